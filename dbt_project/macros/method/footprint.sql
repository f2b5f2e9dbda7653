{#- The method, applied to the sums of usage row `u` with the factors of its row `k` of
    int_factors_applied_daily. -#}

{#- Sums of the token terms with the reference call filled in where one side was not reported. -#}
{% macro output_tokens(k) %}
case when {{ k }}.energy_route = 'token_input_only' then {{ k }}.reference_output_tokens * u.calls else u.output_tokens end
{%- endmacro %}

{% macro output_context_product(k) %}
case {{ k }}.energy_route
    when 'token_output_only' then u.output_context_product + {{ k }}.reference_input_tokens * u.output_tokens
    when 'token_input_only'
        then {{ k }}.reference_output_tokens * (u.input_tokens + u.cached_input_tokens)
            + {{ k }}.reference_output_tokens * {{ k }}.reference_output_tokens * u.calls / 2e0
    else u.output_context_product
end
{%- endmacro %}

{% macro fresh_tokens(k) %}
case when {{ k }}.energy_route = 'token_output_only' then {{ k }}.reference_input_tokens * u.calls else u.input_tokens end
{%- endmacro %}

{% macro fresh_context_product(k) %}
case
    when {{ k }}.energy_route = 'token_output_only'
        then {{ k }}.reference_input_tokens * {{ k }}.reference_input_tokens * u.calls
    else u.input_context_product
end
{%- endmacro %}

{#- IT energy in Wh of scenario s:
    out/1000 e_out + out (in + cached + out/2)/1e6 e_ctx + (in + rho cached)/1000 e_in (1 + (in + cached)/100000) -#}
{% macro token_it_wh(s, k) %}
({{ output_tokens(k) }}) / 1e3 * {{ k }}.model_output_{{ s }}
    + ({{ output_context_product(k) }}) / 1e6 * {{ k }}.model_context_{{ s }}
    + (
        ({{ fresh_tokens(k) }} + {{ k }}.cached_input_ratio_{{ s }} * u.cached_input_tokens)
        + ({{ fresh_context_product(k) }} + {{ k }}.cached_input_ratio_{{ s }} * u.cached_context_product)
        / {{ k }}.attention_context_tokens_{{ s }}
    ) / 1e3 * {{ k }}.model_input_{{ s }}
{%- endmacro %}

{#- IT energy in kWh of scenario s, whatever the route. -#}
{% macro it_kwh(s, k='k') %}
case
    when {{ k }}.energy_route in ('cache_hit', 'no_inference') then 0e0
    when {{ k }}.energy_route in ('measured', 'reported') then u.metered_wh / 1e3
    else
        case when {{ k }}.is_batch_tier then {{ k }}.batch_tier_factor_{{ s }} else 1e0 end
        * case {{ k }}.energy_route
            when 'unit' then u.units * {{ k }}.unit_{{ s }}
            when 'call' then u.calls * {{ k }}.model_call_{{ s }}
            else ({{ token_it_wh(s, k) }}) / 1e3
        end
end
{%- endmacro %}

{#- Terms of the formulas that are factors, in the order a restatement replaces them. -#}
{% macro factor_terms() %}
    {{ return(['pue', 'wue', 'ewif', 'ewif_without_hydro', 'location', 'market', 'embodied']) }}
{% endmacro %}

{#- Rows of int_usage_daily with the team sent with the call, else that of the user. -#}
{% macro attributed_usage(usage, users) -%}
(
        select
            daily.usage_date,
            daily.org_id,
            coalesce(daily.team_id, users.team_id, 'unattributed') as team_id,
            {%- for key in usage_keys() if key != 'team_id' %}
            daily.{{ key }},
            {%- endfor %}
            daily.provider,
            daily.model,
            daily.region,
            daily.profile_key,
            daily.events
            {%- for name in usage_sums() %},
            daily.{{ name }}
            {%- endfor %}
        from {{ usage }} as daily
        left join {{ users }} as users on daily.org_id = users.org_id and daily.user_id = users.user_id
    )
{%- endmacro %}

{#- Usage summed by profile, and by `keys` beside it: nothing else decides which factors it takes. -#}
{% macro usage_by_profile(usage, keys=[]) -%}
(
        select
            {{ (['usage_date', 'org_id'] + keys + ['profile_key']) | join(',\n            ') }},
            cast(sum(events) as bigint) as events
            {%- for name in usage_sums() %},
            sum({{ name }}) as {{ name }}
            {%- endfor %}
        from {{ usage }} as usage
        group by {{ (['usage_date', 'org_id'] + keys + ['profile_key']) | join(', ') }}
    )
{%- endmacro %}

{#- The footprint of usage. usage: rows with the sums of int_usage_daily by `keys`, usage_date, org_id
    and profile_key; applied: int_factors_applied_daily, of one lens. -#}
{% macro usage_footprint(usage, applied, keys=[], join='left') %}
{%- set formulas = footprint_formulas() -%}
{%- set of_usage = ['usage_date', 'org_id'] + keys + ['profile_key', 'events', 'calls', 'input_tokens',
    'cached_input_tokens', 'output_tokens'] -%}
{%- set of_factors = profile_columns() + ['zone_id', 'model_key', 'market_key', 'model_fallback_level',
    'zone_fallback_level', 'data_quality_score', 'factor_set_id', 'method_version'] -%}
select
    {{ (of_usage + of_factors) | join(',\n    ') }},
    {%- for stem, formula in formulas.items() %}
    {%- set last_stem = loop.last %}
    {%- for s in scenarios() %}
    {{ in_scenario(formula.value, s) }} as {{ stem }}_{{ s }}_{{ formula.unit }}{{ ',' if not (last_stem and loop.last) }}
    {%- endfor %}
    {%- endfor %}
from (
    select
        {%- for name in of_usage %}
        u.{{ name }},
        {%- endfor %}
        {%- for name in of_factors %}
        k.{{ name }},
        {%- endfor %}
        {%- for s in scenarios() %}
        {{ it_kwh(s) }} as it_{{ s }},
        {%- set last_scenario = loop.last %}
        {%- for term in factor_terms() %}
        k.{{ term }}_{{ s }}{{ ',' if not (last_scenario and loop.last) }}
        {%- endfor %}
        {%- endfor %}
    from {{ usage }} as u
    {{ join }} join {{ applied }} as k
        on u.usage_date = k.usage_date and u.org_id = k.org_id and u.profile_key = k.profile_key
) as valued
{% endmacro %}
