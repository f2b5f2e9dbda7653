{{ config(tags=['audit']) }}
-- No day counts more events than it received: repeats, the rest of received, are never negative.
select
    received_date,
    org_id,
    events_received,
    events_distinct,
    events_superseded,
    events_repeated
from {{ ref('intake_health_daily') }}
where events_repeated < 0
