-- The hours that the pending loads touched hold each of their distinct events exactly once: counted, or
-- superseded. Hours whose raw events retention has removed keep what they held.
with landed as (
    select
        org_id,
        count(*) as events
    from (
        -- Two keys of one hash (odds below 1 in 100,000 at ten million events) would fail the
        -- check, never pass it.
        select distinct
            org_id,
            {{ hash64(['org_id', 'source', 'event_id', utc_hour('occurred_at')]) }} as key_hash
        from {{ touched_rows(ref('stg_usage_events'), 'occurred_at', 'hour') }} as events
        where not {{ is_closed_hour('occurred_at') }}
    ) as distinct_events
    group by org_id
),

rolled_up as (
    select
        org_id,
        sum(events) as events
    from (
        select
            org_id,
            events
        from {{ touched_rows(ref('int_usage_hourly'), 'usage_hour', 'hour') }} as hours
        where not {{ is_closed_hour('usage_hour') }}
        union all
        select
            org_id,
            1 as events
        from {{ touched_rows(ref('int_events_superseded'), 'usage_hour', 'hour') }} as superseded
        where not {{ is_closed_hour('usage_hour') }}
    ) as held
    group by org_id
)

select
    coalesce(landed.org_id, rolled_up.org_id) as org_id,
    coalesce(landed.events, 0) as events_landed,
    coalesce(rolled_up.events, 0) as events_rolled_up
from landed
full outer join rolled_up on landed.org_id = rolled_up.org_id
where coalesce(landed.events, 0) <> coalesce(rolled_up.events, 0)
