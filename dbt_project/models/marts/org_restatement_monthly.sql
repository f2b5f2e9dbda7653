{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'period_start', 'partition_grain': 'month'},
) }}
{%- set formulas = footprint_formulas() %}

with frozen as (
    {{ frozen_usage() }}
),

summed as (
    select
        org_id,
        period_start,
        max(frozen_on) as frozen_on
        {%- for stem, formula in formulas.items() %},
        sum({{ partly_restated(formula, 0) }}) as {{ stem }}_reported,
        sum({{ partly_restated(formula, formula.factors | length) }}) as {{ stem }}_restated
        {%- endfor %}
    from frozen
    group by org_id, period_start
),

compared as (
    {%- for stem, formula in formulas.items() %}
    select
        org_id,
        period_start,
        frozen_on,
        '{{ stem }}_mid_{{ formula.unit }}' as metric,
        '{{ printed_unit(formula.unit) }}' as unit,
        {{ stem }}_reported as value_as_reported,
        {{ stem }}_restated as value_restated
    from summed
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
