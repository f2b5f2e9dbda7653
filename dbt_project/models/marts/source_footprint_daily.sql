{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'usage_date', 'partition_grain': 'day'},
) }}
{{ footprint_mart(['usage_date', 'org_id', 'source']) }}
