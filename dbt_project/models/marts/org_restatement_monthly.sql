{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'period_start', 'partition_grain': 'month'},
) }}
{%- set formulas = footprint_formulas() %}

with reported as (
    select
        org_id,
        {{ month_start('usage_date') }} as period_start,
        max(known_on) as frozen_on,
        {%- for stem, formula in formulas.items() %}
        sum({{ stem }}_mid_{{ formula.unit }}) as {{ stem }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ touched(ref('usage_footprint_as_reported_daily'), 'usage_date', 'month') }} as usage
    group by org_id, {{ month_start('usage_date') }}
),

restated as (
    select
        org_id,
        {{ month_start('usage_date') }} as period_start,
        {%- for stem, formula in formulas.items() %}
        sum({{ stem }}_mid_{{ formula.unit }}) as {{ stem }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ touched(ref('usage_footprint_daily'), 'usage_date', 'month') }} as usage
    group by org_id, {{ month_start('usage_date') }}
),

compared as (
    {%- for stem, formula in formulas.items() %}
    select
        reported.org_id,
        reported.period_start,
        reported.frozen_on,
        '{{ stem }}_mid_{{ formula.unit }}' as metric,
        '{{ printed_unit(formula.unit) }}' as unit,
        reported.{{ stem }} as value_as_reported,
        restated.{{ stem }} as value_restated
    from reported
    inner join restated
        on reported.org_id = restated.org_id and reported.period_start = restated.period_start
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    org_id,
    period_start,
    frozen_on,
    metric,
    unit,
    value_as_reported,
    value_restated,
    value_restated - value_as_reported as difference,
    (value_restated - value_as_reported) / nullif(value_as_reported, 0e0) as difference_share,
    abs(value_restated - value_as_reported)
    > {{ var('restatement_threshold_share') }} * abs(value_as_reported) as is_significant
from compared
