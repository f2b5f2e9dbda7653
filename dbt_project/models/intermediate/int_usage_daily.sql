{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'usage_date', 'partition_grain': 'activity_day'},
) }}
{%- set keys = ['usage_date', 'org_id'] + usage_keys() + profile_columns() %}

select
    {{ keys | join(',\n    ') }},
    {{ hash64(profile_columns()) }} as profile_key,
    cast(sum(events) as bigint) as events,
    {%- for name in usage_sums() %}
    sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ touched(ref('int_usage_hourly'), 'usage_date', 'activity_day') }} as hours
group by {{ keys | join(', ') }}
