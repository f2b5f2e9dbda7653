{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'usage_hour', 'partition_grain': 'hour'},
) }}
{#- Written into each use below instead of a CTE, so that no engine keeps a copy of the events. -#}
{%- set events = touched(ref('stg_usage_events'), 'occurred_at', 'hour') %}
{%- set superseded = touched(ref('int_events_superseded'), 'usage_hour', 'hour') %}
{%- set key = event_key() %}
{{ refuse_to_lose_closed_hours() }}
with looked_at as (
    -- Every event that came twice or of which another event tells, too, is in here; two keys with the
    -- same hash only cost a look at both.
    select {{ hash64(key) }} as key_hash
    from {{ events }} as events
    group by {{ hash64(key) }}
    having count(*) > 1
    union all
    select {{ hash64(key) }} as key_hash
    from {{ superseded }} as superseded
),

ranked as (
    select
        events.*,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by
            {{ copy_order() }}
        ) as choice
    from {{ events }} as events
    where {{ hash64(key) }} in (select key_hash from looked_at)
),

{%- set columns = [
    'org_id', 'source', 'occurred_at', 'received_at', 'team_id', 'user_id', 'project_id', 'provider',
    'request_model', 'response_model', 'operation', 'status', 'batch', 'service_tier',
    'request_count', 'sample_weight', 'input_tokens', 'cache_read_input_tokens', 'output_tokens',
    'images_count', 'audio_seconds', 'video_seconds', 'region', 'inference_geo',
    'measured_energy_wh', 'reported_energy_wh',
] %}

counted as (
    select
        {{ columns | join(',\n        ') }}
    from {{ events }} as events
    where {{ hash64(key) }} not in (select key_hash from looked_at)
        and not {{ is_closed_hour('occurred_at') }}
    union all
    select
        {{ columns | join(',\n        ') }}
    from ranked
    where choice = 1
        and not {{ is_closed_hour('occurred_at') }}
        and not exists (
            select 1
            from {{ superseded }} as superseded
            where ranked.org_id = superseded.org_id
                and ranked.source = superseded.source
                and ranked.event_id = superseded.event_id
                and {{ utc_hour('ranked.occurred_at') }} = superseded.usage_hour
        )
),

weighed as (
    select
        {{ utc_hour('occurred_at') }} as usage_hour,
        cast(received_at as date) as received_date,
        org_id,
        team_id,
        coalesce(user_id, 'unattributed') as user_id,
        coalesce(project_id, 'unattributed') as project_id,
        {{ source_name() }} as source,
        provider,
        coalesce(response_model, request_model, 'unknown') as model,
        coalesce(lower(region), 'unknown') as region,
        coalesce(upper(inference_geo), '') as inference_geo,
        {{ energy_route() }} as energy_route,
        coalesce({{ unit_kind() }}, '') as unit_kind,
        (coalesce(batch, false) or coalesce(lower(service_tier), '') in ('batch', 'flex')) as is_batch_tier,
        {{ as_double('request_count') }} as n,
        sample_weight as w,
        {{ as_double('coalesce(input_tokens, 0)') }} as total_input,
        -- Of input that nobody counted, the cached part says nothing.
        case
            when input_tokens is null then 0e0
            else {{ as_double('coalesce(cache_read_input_tokens, 0)') }}
        end as cached,
        {{ as_double('coalesce(output_tokens, 0)') }} as output,
        {{ unit_count() }} as units,
        coalesce(measured_energy_wh, reported_energy_wh, 0e0) as metered_wh
    from counted
)

select
    usage_hour,
    cast(usage_hour as date) as usage_date,
    received_date,
    org_id,
    team_id,
    user_id,
    project_id,
    source,
    provider,
    model,
    region,
    inference_geo,
    energy_route,
    unit_kind,
    is_batch_tier,
    cast(count(*) as bigint) as events,
    sum(w * n) as calls,
    sum(w * (total_input - cached)) as input_tokens,
    sum(w * cached) as cached_input_tokens,
    sum(w * output) as output_tokens,
    sum(w / n * output * (total_input + output / 2e0)) as output_context_product,
    sum(w / n * (total_input - cached) * total_input) as input_context_product,
    sum(w / n * cached * total_input) as cached_context_product,
    sum(w * units) as units,
    sum(w * metered_wh) as metered_wh
from weighed
group by
    usage_hour,
    received_date,
    org_id,
    team_id,
    user_id,
    project_id,
    source,
    provider,
    model,
    region,
    inference_geo,
    energy_route,
    unit_kind,
    is_batch_tier
{%- if is_incremental() and horizons() %}
union all
select
    usage_hour,
    usage_date,
    received_date,
    org_id,
    team_id,
    user_id,
    project_id,
    source,
    provider,
    model,
    region,
    inference_geo,
    energy_route,
    unit_kind,
    is_batch_tier,
    events,
    {{ usage_sums() | join(',\n    ') }}
from {{ this }}
where {{ touched_predicate('usage_hour', 'hour') }} and {{ is_closed_hour('usage_hour') }}
{%- endif %}
