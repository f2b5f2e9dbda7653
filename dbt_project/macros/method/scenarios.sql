{#- The three scenarios of every figure: 10th, 50th and 90th percentile. -#}
{% macro scenarios() %}{{ return(['low', 'mid', 'high']) }}{% endmacro %}

{#- Names of the additive metrics of a footprint mart, in their order. -#}
{% macro footprint_metrics() %}
    {%- set stems = [('it_energy', 'kwh'), ('energy', 'kwh'), ('water_onsite', 'l'),
        ('water_offsite', 'l'), ('water', 'l'), ('co2e_location', 'kg'), ('co2e_market', 'kg'),
        ('co2e_embodied', 'kg'), ('co2e_total_location', 'kg'), ('co2e_total_market', 'kg')] -%}
    {%- set names = [] -%}
    {%- for stem, unit in stems -%}
        {%- for s in scenarios() -%}{%- do names.append(stem ~ '_' ~ s ~ '_' ~ unit) -%}{%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{#- Shares and scores that are means weighted by energy. -#}
{% macro footprint_means() %}
    {{ return(['default_factor_energy_share', 'token_route_energy_share',
        'market_fallback_energy_share']) }}
{% endmacro %}

{#- A footprint mart: usage_footprint_daily summed to `keys`, low, mid and high each on its own. -#}
{% macro footprint_mart(keys) %}
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
    {%- for name in footprint_means() %}
    coalesce(sum({{ name }} * energy_mid_kwh) / nullif(sum(energy_mid_kwh), 0e0), 0e0) as {{ name }},
    {%- endfor %}
    max(factor_set_id) as factor_set_id,
    max(method_version) as method_version
from {{ touched(ref('usage_footprint_daily'), 'usage_date', 'day') }} as usage
group by
    {{ keys | join(',\n    ') }}
{% endmacro %}

{#- Sums of metrics under their own names. -#}
{% macro sums(metrics) -%}
{%- for metric in metrics %}sum({{ metric }}) as {{ metric }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}
