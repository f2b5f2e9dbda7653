{{ config(tags=['audit']) }}
-- The marts hold each distinct raw event of complete loads exactly once: counted, or superseded. Reads
-- all of raw.
with landed as (
    select
        org_id,
        count(*) as events
    from (
        select distinct
            org_id,
            source,
            event_id,
            {{ utc_hour('occurred_at') }} as usage_hour
        from {{ ref('stg_usage_events') }}
        where not {{ is_closed_day('cast(occurred_at as date)', through_horizon=true) }}
    ) as distinct_events
    group by org_id
),

counted as (
    select
        org_id,
        sum(events) as events
    from (
        select
            org_id,
            events
        from {{ ref('org_footprint_daily') }}
        where not {{ is_closed_day('usage_date', through_horizon=true) }}
        union all
        select
            org_id,
            1 as events
        from {{ ref('superseded_event') }}
        where not {{ is_closed_day('usage_date', through_horizon=true) }}
    ) as held
    group by org_id
)

select
    coalesce(landed.org_id, counted.org_id) as org_id,
    coalesce(landed.events, 0) as events_landed,
    coalesce(counted.events, 0) as events_in_marts
from landed
full outer join counted on landed.org_id = counted.org_id
where coalesce(landed.events, 0) <> coalesce(counted.events, 0)
