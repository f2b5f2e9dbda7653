{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

select distinct
    usage.provider,
    usage.model
from {{ ref('int_usage_hourly') }} as usage
{%- if is_incremental() %}
left join {{ this }} as known on usage.provider = known.provider and usage.model = known.model
{%- endif %}
where {{ touched('usage.usage_hour', 'hour') }}{% if is_incremental() %} and known.model is null{% endif %}
