{#- The datapoints of a month's report, from rows of a footprint base and the list of datapoints. -#}
{% macro report_datapoints(usage, datapoints, source_model='usage_footprint_daily') %}
{%- set stems = ['energy', 'co2e_total_location', 'co2e_total_market', 'co2e_embodied', 'water', 'water_onsite'] %}
{%- set units = {'energy': 'kwh', 'water': 'l', 'water_onsite': 'l'} %}

with months as (
    select
        org_id,
        {{ month_start('usage_date') }} as period_start,
        {%- for stem in stems %}
        {%- for s in scenarios() %}
        sum({{ stem }}_{{ s }}_{{ units.get(stem, 'kg') }}) as {{ stem }}_{{ s }},
        {%- endfor %}
        {%- endfor %}
        coalesce(
            1e0 - sum(case when {{ rests_on_defaults() }} then energy_mid_kwh else 0e0 end)
            / nullif(sum(energy_mid_kwh), 0e0),
            1e0
        ) as covered_share,
        coalesce(
            sum(case when energy_route in ('measured', 'reported') then energy_mid_kwh else 0e0 end)
            / nullif(sum(energy_mid_kwh), 0e0),
            0e0
        ) as primary_share,
        max(factor_set_id) as factor_set_id,
        max(method_version) as method_version
    from {{ usage }}
    group by org_id, {{ month_start('usage_date') }}
),

points as (
    select
        months.*,
        datapoints.*
    from months
    cross join {{ datapoints }} as datapoints
)

select
    org_id,
    period_start,
    cast(period_start + interval 1 month - interval 1 day as date) as period_end,
    datapoint_id,
    label,
    framework,
    framework_version,
    status,
    {%- for name, s in [('value', 'mid'), ('value_low', 'low'), ('value_high', 'high')] %}
    case metric
        {%- for stem in stems %}
        when '{{ stem }}' then {{ stem }}_{{ s }} / divisor
        {%- endfor %}
    end as {{ name }},
    {%- endfor %}
    unit,
    coalesce(method, '') as method,
    boundary,
    '{{ source_model }}' as source_model,
    factor_set_id,
    method_version,
    case when status = 'computed' then covered_share * 1e2 end as coverage_pct,
    case when status = 'computed' then primary_share * 1e2 end as primary_data_pct,
    refusal_reason
from points
{% endmacro %}
