{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

select distinct
    usage.provider,
    usage.model
from {{ touched(ref('int_usage_hourly'), 'usage_hour', 'hour') }} as usage
{%- if is_incremental() %}
left join {{ this }} as known on usage.provider = known.provider and usage.model = known.model
where known.model is null
{%- endif %}
