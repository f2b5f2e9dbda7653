{#- The figures a footprint mart publishes, each as a formula over what stands before it: the marts,
    restatements and explanations are all made from these. Names: it IT energy in kWh, then the factors
    of the row in one scenario. -#}

{#- stem: unit, the factors of the expression in the order a restatement replaces them, the formula in
    words, its expression, the terms it prints (expression, unit), and the formulas it rests on in
    reading order. -#}
{% macro footprint_formulas() %}
    {%- set energy = 'it * pue' -%}
    {%- set onsite = 'it * wue' -%}
    {%- set offsite = energy ~ ' * ewif' -%}
    {%- set location = energy ~ ' * location / 1e3' -%}
    {%- set market = energy ~ ' * market / 1e3' -%}
    {%- set embodied = 'it * embodied / 1e3' -%}
    {{ return({
        'it_energy': {'unit': 'kwh', 'factors': ['it'], 'words': 'energy of the route', 'value': 'it', 'terms': [],
            'after': []},
        'energy': {'unit': 'kwh', 'factors': ['it', 'pue'], 'words': 'it_energy x PUE', 'value': energy,
            'terms': [('it', 'kWh'), ('pue', '')], 'after': []},
        'water_onsite': {'unit': 'l', 'factors': ['it', 'wue'], 'words': 'it_energy x WUE', 'value': onsite,
            'terms': [('it', 'kWh'), ('wue', 'L/kWh')], 'after': []},
        'water_offsite': {'unit': 'l', 'factors': ['it', 'pue', 'ewif'], 'words': 'energy x EWIF', 'value': offsite,
            'terms': [(energy, 'kWh'), ('ewif', 'L/kWh')], 'after': ['energy']},
        'water': {'unit': 'l', 'factors': ['it', 'pue', 'wue', 'ewif'], 'words': 'water_onsite + water_offsite',
            'value': onsite ~ ' + ' ~ offsite, 'sign': '+',
            'terms': [(onsite, 'L'), (offsite, 'L')],
            'after': ['water_onsite', 'energy', 'water_offsite']},
        'water_offsite_without_hydro': {'unit': 'l', 'factors': ['it', 'pue', 'ewif_without_hydro'], 'words': 'energy x EWIF without hydro',
            'value': energy ~ ' * ewif_without_hydro',
            'terms': [(energy, 'kWh'), ('ewif_without_hydro', 'L/kWh')], 'after': ['energy']},
        'co2e_location': {'unit': 'kg', 'factors': ['it', 'pue', 'location'], 'words': 'energy x location-based grid factor / 1000',
            'value': location, 'terms': [(energy, 'kWh'), ('location', 'g/kWh / 1000')],
            'after': ['energy']},
        'co2e_market': {'unit': 'kg', 'factors': ['it', 'pue', 'market'], 'words': 'energy x market-based grid factor / 1000',
            'value': market, 'terms': [(energy, 'kWh'), ('market', 'g/kWh / 1000')],
            'after': ['energy']},
        'co2e_embodied': {'unit': 'kg', 'factors': ['it', 'embodied'], 'words': 'it_energy x embodied factor / 1000',
            'value': embodied, 'terms': [('it', 'kWh'), ('embodied', 'g/kWh / 1000')],
            'after': []},
        'co2e_total_location': {'unit': 'kg', 'factors': ['it', 'pue', 'location', 'embodied'], 'words': 'co2e_location + co2e_embodied',
            'value': location ~ ' + ' ~ embodied, 'sign': '+',
            'terms': [(location, 'kg'), (embodied, 'kg')],
            'after': ['energy', 'co2e_location', 'co2e_embodied']},
        'co2e_total_market': {'unit': 'kg', 'factors': ['it', 'pue', 'market', 'embodied'], 'words': 'co2e_market + co2e_embodied',
            'value': market ~ ' + ' ~ embodied, 'sign': '+',
            'terms': [(market, 'kg'), (embodied, 'kg')],
            'after': ['energy', 'co2e_market', 'co2e_embodied']},
    }) }}
{% endmacro %}

{#- A formula with its first `count` factors as known now and the others as reported. -#}
{% macro partly_restated(formula, count) -%}
    {%- set ns = namespace(text=formula.value) -%}
    {%- for factor in formula.factors -%}
        {%- set side = 'restated' if loop.index <= count else 'reported' -%}
        {%- set ns.text = modules.re.sub('\\b' ~ factor ~ '\\b', factor ~ '_' ~ side, ns.text) -%}
    {%- endfor -%}
    {{ ns.text }}
{%- endmacro %}

{#- A formula with the names of one scenario. -#}
{% macro in_scenario(expression, s) -%}
{{ modules.re.sub('\\b([a-z_]+)\\b', '\\1_' ~ s, expression) }}
{%- endmacro %}

{#- Units of the metrics as they are printed. -#}
{% macro printed_unit(unit) %}{{ return({'kwh': 'kWh', 'l': 'L', 'kg': 'kg'}[unit]) }}{% endmacro %}

{#- The formula of a stem with its numbers filled in, as a text expression. -#}
{% macro formula_with_numbers(stem) -%}
    {%- set formula = footprint_formulas()[stem] -%}
    {%- set numbers = [] -%}
    {%- set shapes = [] -%}
    {%- for expression, unit in formula.terms -%}
        {%- do shapes.append(('{:.6g} ' ~ unit) | trim) -%}
        {%- do numbers.append(expression) -%}
    {%- endfor -%}
    {%- set sign = ' ' ~ formula.get('sign', 'x') ~ ' ' -%}
    format(
        '{{ stem }} = {{ formula.words }} = {{ shapes | join(sign) }} = {:.6g} {{ printed_unit(formula.unit) }}',
        {{ numbers | join(', ') }},
        {{ formula.value }}
    )
{%- endmacro %}

{#- What a level means, as a text expression. -#}
{% macro level_in_words(column, words) -%}
case {{ column }}
    {%- for text in words %}
    when {{ loop.index }} then '{{ text }}'
    {%- endfor %}
end
{%- endmacro %}

{% macro model_level_in_words() -%}
case
    when energy_route in ('cache_hit', 'no_inference', 'measured', 'reported') then 'no model factor used'
    when energy_route = 'unit' and model_fallback_level = 1 then 'the figure of this model'
    when energy_route = 'unit' then 'the default of this kind of unit'
    else {{ level_in_words('model_fallback_level', [
        'the name is in the registry', 'an alias or a spelling of a name in the registry',
        'a pattern of the model family', 'a size in the name, hence a tier',
        'the default tier of the provider', 'the default of all models']) }}
end
{%- endmacro %}

{% macro zone_level_in_words() -%}
{{ level_in_words('zone_fallback_level', [
    'the cloud region, at a cloud that hosts the provider', 'the same region code at another cloud',
    'the reported inference_geo', 'the usual zone of the provider', 'the world']) }}
{%- endmacro %}

{#- The IT energy of a row with its numbers filled in, as a text expression. -#}
{% macro it_energy_with_numbers() -%}
case energy_route
    when 'cache_hit' then 'it_energy = 0 kWh, a cache answered and no inference ran'
    when 'no_inference' then 'it_energy = 0 kWh, the calls failed before any inference'
    when 'measured' then format('it_energy = measured energy / 1000 = {:.6g} Wh / 1000 = {:.6g} kWh', metered_wh, it)
    when 'reported'
        then format('it_energy = energy reported by the provider / 1000 = {:.6g} Wh / 1000 = {:.6g} kWh', metered_wh, it)
    when 'unit'
        then format(
            'it_energy = {}units x energy per unit = {}{:.10g} x {:.6g} {} = {:.6g} kWh',
            batch_words, batch_number, units, unit_factor, unit_of_factor, it
        )
    when 'call'
        then format(
            'it_energy = {}calls x energy per call = {}{:.10g} x {:.6g} kWh = {:.6g} kWh',
            batch_words, batch_number, calls, model_call, it
        )
    else format(
        'it_energy = {}(out / 1000 x e_out + out_context / 1e6 x e_ctx + (in + rho x cached'
        || ' + (in_context + rho x cached_context) / attention) / 1000 x e_in) / 1000'
        || ' = {}({:.10g} / 1000 x {:.6g} Wh + {:.10g} / 1e6 x {:.6g} Wh + ({:.10g} + {:.6g} x {:.10g}'
        || ' + ({:.10g} + {:.6g} x {:.10g}) / {:.6g}) / 1000 x {:.6g} Wh) / 1000 = {:.6g} kWh',
        batch_words, batch_number, full_output_tokens, model_output,
        full_output_context_product, model_context, full_input_tokens, cached_input_ratio,
        cached_input_tokens, full_input_context_product, cached_input_ratio,
        cached_context_product, attention_context_tokens, model_input, it
    )
end
{%- endmacro %}

{#- What was filled in or substituted, as a list of texts. -#}
{% macro assumptions_in_words() -%}
list_filter(case when energy_route in ('cache_hit', 'no_inference') then [] else [
    case when energy_route = 'token_input_only'
        then format('output tokens were not reported: {:.6g} per call x {:.10g} calls are assumed', reference_output_tokens, calls)
    end,
    case when energy_route = 'token_output_only'
        then format('input tokens were not reported: {:.6g} per call x {:.10g} calls are assumed', reference_input_tokens, calls)
    end,
    case when is_model_backcast and (energy_route like 'token%' or energy_route = 'call')
        then 'use before the first figure of this model; the first figure is applied'
    end,
    case when is_grid_backcast and metric.stem like 'co2e%' and metric.stem <> 'co2e_embodied'
        then 'use before the first figure of this zone; the first figure is applied'
    end,
    case when market_key is null and metric.stem like '%market'
        then 'no market-based factor is known; the location-based one stands in for it'
    end
] end, lambda words: words is not null)
{%- endmacro %}
