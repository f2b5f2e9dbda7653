{{ config(tags=['audit'], severity='warn') }}
-- A repeat carries the time of the first; the same id in two hours counts twice. Reads all of raw.
select
    org_id,
    source,
    event_id,
    min(occurred_at) as first_occurred_at,
    max(occurred_at) as last_occurred_at
from {{ ref('stg_usage_events') }}
group by org_id, source, event_id
having {{ utc_hour('min(occurred_at)') }} <> {{ utc_hour('max(occurred_at)') }}
