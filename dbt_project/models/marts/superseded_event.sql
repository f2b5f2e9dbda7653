{{ config(materialized='view') }}
{#- A view without a catalog name: it travels inside the published file. -#}
select
    usage_date,
    org_id,
    source,
    event_id,
    occurred_at,
    received_date,
    calls,
    superseded_by_source,
    superseded_by_event_id,
    link,
    reason
from {{ local('int_events_superseded') }}
