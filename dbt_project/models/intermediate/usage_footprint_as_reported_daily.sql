{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    access='protected',
    meta={'partition_column': 'usage_date', 'partition_grain': 'day'},
) }}
{{ usage_footprint('as_reported') }}
