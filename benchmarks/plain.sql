-- Landed files to the daily base of all footprint marts, in one statement, as one would write it by
-- hand for these files: exact repeats removed, token terms summed per hour, factors as of the day.
-- Placeholders: {files} of events, {target} table. `marts` is attached for its factor tables.
create or replace table {target} as
with source as (
    select
        org_id, source, event_id, occurred_at, received_at, team_id, user_id, project_id, provider,
        request_model, response_model, operation, status, batch, service_tier, request_count,
        sample_weight, input_tokens, cache_read_input_tokens, output_tokens, region, inference_geo,
        measured_energy_wh, reported_energy_wh, images_count, audio_seconds, video_seconds
    from read_parquet({files}, hive_partitioning = false)
),

{dedup},

weighed as (
    select
        date_trunc('hour', occurred_at) as usage_hour,
        org_id,
        coalesce(team_id, 'unattributed') as team_id,
        coalesce(user_id, 'unattributed') as user_id,
        coalesce(project_id, 'unattributed') as project_id,
        provider,
        coalesce(response_model, request_model, 'unknown') as model,
        coalesce(lower(region), 'unknown') as region,
        coalesce(upper(inference_geo), '') as inference_geo,
        case
            when status = 'cache_hit' then 'cache_hit'
            when measured_energy_wh is not null then 'measured'
            when reported_energy_wh is not null then 'reported'
            when operation in ('embeddings', 'rerank', 'moderation') and input_tokens > 0
                or operation = 'image_generation' and images_count > 0
                or operation = 'video_generation' and video_seconds > 0
                or operation = 'audio_transcription' and audio_seconds > 0 then 'unit'
            when coalesce(input_tokens, 0) > 0 and (output_tokens is not null or status <> 'success')
                then 'token'
            when status = 'error' then 'no_inference'
            else 'call'
        end as energy_route,
        coalesce(batch, false) or coalesce(lower(service_tier), '') in ('batch', 'flex') as is_batch,
        request_count::double as n,
        sample_weight as w,
        coalesce(input_tokens, 0)::double as total,
        coalesce(cache_read_input_tokens, 0)::double as cached,
        coalesce(output_tokens, 0)::double as output
    from events
),

hourly as (
    select
        usage_hour, org_id, team_id, user_id, project_id, provider, model, region, inference_geo,
        energy_route, is_batch,
        count(*) as events,
        sum(w * n) as calls,
        sum(w * (total - cached)) as input_tokens,
        sum(w * cached) as cached_input_tokens,
        sum(w * output) as output_tokens,
        sum(w / n * output * (total + output / 2)) as output_context,
        sum(w / n * (total - cached) * total) as input_context,
        sum(w / n * cached * total) as cached_context
    from weighed
    group by all
),

daily as (
    select
        usage_hour::date as usage_date, org_id, team_id, user_id, project_id, provider, model,
        region, inference_geo, energy_route, is_batch,
        sum(events)::bigint as events,
        sum(calls) as calls,
        sum(input_tokens) as input_tokens,
        sum(cached_input_tokens) as cached_input_tokens,
        sum(output_tokens) as output_tokens,
        sum(output_context) as output_context,
        sum(input_context) as input_context,
        sum(cached_context) as cached_context
    from hourly
    group by all
),

-- The rows that all organisations share, as known by now.
factors as (
    select factor_type, key, effective_from, effective_to, value_low, value_mid, value_high
    from marts.intermediate.int_factors
    where org_id = '*' and known_to = date '9999-12-31'
),

placed as (
    select
        daily.*,
        coalesce(regions.zone_id, models.default_zone_id) as zone_id,
        regions.facility_key,
        models.provider_key,
        models.model_key,
        models.model_fallback_level
    from daily
    join marts.intermediate.int_models_resolved as models
        on daily.provider = models.provider and daily.model = models.model
            and models.known_to = date '9999-12-31'
    left join marts.intermediate.int_provider_regions as regions
        on models.provider_key = regions.provider and daily.region = regions.region
            and regions.known_to = date '9999-12-31'
),

joined as (
    select
        placed.*,
        {it_kwh},
        (select max(factor_set_id) from marts.intermediate.int_factor_sets) as factor_set_id,
        m.dq_score,
        {found}
    from placed
    join marts.intermediate.int_method_parameters as p
        on usage_date >= p.effective_from and usage_date < p.effective_to
            and p.org_id = '*' and p.known_to = date '9999-12-31'
    join marts.intermediate.int_model_energy as m
        on placed.model_key = m.model_key
            and usage_date >= m.effective_from and usage_date < m.effective_to
            and m.org_id = '*' and m.known_to = date '9999-12-31'
    join marts.intermediate.int_zones as zones on placed.zone_id = zones.zone_id
    {factors}
)

select
    usage_date, org_id, team_id, user_id, project_id, provider, model, region, zone_id, energy_route,
    is_batch, model_key, model_fallback_level, factor_set_id, dq_score,
    events, calls, input_tokens, cached_input_tokens, output_tokens,
    {metrics}
from joined
