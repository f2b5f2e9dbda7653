{#- The three scenarios of every figure: 10th, 50th and 90th percentile. -#}
{% macro scenarios() %}{{ return(['low', 'mid', 'high']) }}{% endmacro %}

{#- Names of the additive metrics of a footprint mart, in their order. -#}
{% macro footprint_metrics() %}
    {%- set names = [] -%}
    {%- for stem, formula in footprint_formulas().items() -%}
        {%- for s in scenarios() -%}{%- do names.append(stem ~ '_' ~ s ~ '_' ~ formula.unit) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{#- Shares of energy_mid_kwh: name and the condition a row of usage_footprint_daily must meet. -#}
{% macro energy_shares() %}
    {%- set shares = {
        'measured_energy_share': "energy_route in ('measured', 'reported')",
        'token_route_energy_share': "energy_route like 'token%'",
        'unit_route_energy_share': "energy_route = 'unit'",
        'call_route_energy_share': "energy_route = 'call'",
    } -%}
    {%- for level in range(1, 7) -%}
        {%- do shares.update({'model_level_' ~ level ~ '_energy_share':
            "model_fallback_level = " ~ level ~ " and energy_route not in ('measured', 'reported')"}) -%}
    {%- endfor -%}
    {%- do shares.update({
        'default_zone_energy_share': 'zone_fallback_level >= 4',
        'default_factor_energy_share': rests_on_defaults(),
        'market_fallback_energy_share': 'market_key is null',
    }) -%}
    {{ return(shares) }}
{% endmacro %}

{#- Whether the zone is a default, or a factor of a default model is used. -#}
{% macro rests_on_defaults() -%}
zone_fallback_level >= 4
            or (model_fallback_level >= 5
                and energy_route not in ('cache_hit', 'no_inference', 'measured', 'reported'))
{%- endmacro %}

{#- A footprint mart: daily usage summed by profile and whose it is, times its factors, summed to `keys`. -#}
{% macro footprint_mart(keys) %}
{{ footprint_by(
    keys,
    touched(ref('int_usage_daily'), 'usage_date', 'day'),
    touched(ref('int_factors_applied_daily'), 'usage_date', 'day'),
    ref('dim_user')
) }}
{% endmacro %}

{% macro footprint_by(keys, usage, applied, users, join='left') %}
{%- set whose = [] -%}
{%- for key in keys if key in usage_keys() %}{% do whose.append(key) %}{% endfor -%}
{%- set source = attributed_usage(usage, users) if whose else usage -%}
{%- set footprint = usage_footprint(usage_by_profile(source, whose), applied, whose, join) -%}
{{ footprint_sums('(' ~ footprint ~ ') as usage', keys) }}
{% endmacro %}

{#- Rows of a footprint base summed to `keys`, low, mid and high each on its own. -#}
{% macro footprint_sums(usage, keys) %}
select
    {{ keys | join(',\n    ') }},
    cast(sum(events) as bigint) as events,
    sum(calls) as calls,
    sum(input_tokens) as input_tokens,
    sum(cached_input_tokens) as cached_input_tokens,
    sum(output_tokens) as output_tokens,
    {%- for name in footprint_metrics() %}
    sum({{ name }}) as {{ name }},
    {%- endfor %}
    coalesce(
        sum(data_quality_score * energy_mid_kwh) / nullif(sum(energy_mid_kwh), 0e0),
        min(data_quality_score)
    ) as data_quality_score,
    {%- for name, condition in energy_shares().items() %}
    coalesce(
        sum(case when {{ condition }} then energy_mid_kwh else 0e0 end)
        / nullif(sum(energy_mid_kwh), 0e0),
        0e0
    ) as {{ name }},
    {%- endfor %}
    sum(co2e_total_location_mid_kg) * 1e3
    / nullif(sum(input_tokens) + sum(cached_input_tokens) + sum(output_tokens), 0e0)
    * 1e6 as co2e_total_location_mid_g_per_million_tokens,
    sum(co2e_total_market_mid_kg) * 1e3
    / nullif(sum(input_tokens) + sum(cached_input_tokens) + sum(output_tokens), 0e0)
    * 1e6 as co2e_total_market_mid_g_per_million_tokens,
    max(factor_set_id) as factor_set_id,
    max(method_version) as method_version
from {{ usage }}
group by
    {{ keys | join(',\n    ') }}
{% endmacro %}

{#- Sums of metrics under their own names. -#}
{% macro sums(metrics) -%}
{%- for metric in metrics %}sum({{ metric }}) as {{ metric }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}
