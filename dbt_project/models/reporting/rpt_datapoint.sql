{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'period_start', 'partition_grain': 'month'},
) }}
{{ report_datapoints(
    touched(ref('usage_footprint_daily'), 'usage_date', 'month') ~ ' as usage',
    ref('report_datapoints')
) }}
