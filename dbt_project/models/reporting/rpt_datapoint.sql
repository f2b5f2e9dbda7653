{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'period_start', 'partition_grain': 'month'},
) }}
{{ report_datapoints(
    '(' ~ usage_footprint(
        usage_by_profile(touched(ref('int_usage_daily'), 'usage_date', 'month')),
        touched(ref('int_factors_applied_daily'), 'usage_date', 'month')
    ) ~ ') as usage',
    ref('report_datapoints')
) }}
