{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    access='protected',
    meta={'partition_column': 'usage_date', 'partition_grain': 'day'},
) }}
{{ usage_footprint(
    touched(ref('int_usage_daily'), 'usage_date', 'day'),
    touched(ref('int_factors_applied_daily'), 'usage_date', 'day'),
    ref('dim_user')
) }}
