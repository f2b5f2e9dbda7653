with intake as (
    select
        received_date,
        org_id,
        sum(case when row_kind = 'events' then rows_count else 0 end) as events_received,
        sum(case when row_kind = 'rejects' then rows_count else 0 end) as events_rejected
    from {{ ref('int_loads_rolled_up') }}
    where row_kind in ('events', 'rejects')
    group by received_date, org_id
),

counted as (
    select
        received_date,
        org_id,
        sum(events) as events_distinct
    from {{ ref('int_usage_hourly') }}
    group by received_date, org_id
),

superseded as (
    select
        received_date,
        org_id,
        count(*) as events_superseded
    from {{ ref('int_events_superseded') }}
    group by received_date, org_id
)

select
    intake.received_date,
    intake.org_id,
    cast(intake.events_received as bigint) as events_received,
    cast(coalesce(counted.events_distinct, 0) as bigint) as events_distinct,
    cast(
        intake.events_received - coalesce(counted.events_distinct, 0)
        - coalesce(superseded.events_superseded, 0) as bigint
    ) as events_repeated,
    cast(coalesce(superseded.events_superseded, 0) as bigint) as events_superseded,
    cast(intake.events_rejected as bigint) as events_rejected
from intake
left join counted
    on intake.received_date = counted.received_date and intake.org_id = counted.org_id
left join superseded
    on intake.received_date = superseded.received_date and intake.org_id = superseded.org_id
