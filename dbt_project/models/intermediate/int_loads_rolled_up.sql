{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='load_id',
    on_schema_change='fail',
) }}

-- Written last: a load counts as done only when every mart holds it.
-- depends_on: {{ ref('org_footprint_daily') }}, {{ ref('team_footprint_daily') }}
-- depends_on: {{ ref('user_footprint_daily') }}, {{ ref('model_footprint_daily') }}
-- depends_on: {{ ref('region_footprint_daily') }}, {{ ref('source_footprint_daily') }}
-- depends_on: {{ ref('rpt_datapoint') }}
-- depends_on: {{ ref('int_events_superseded') }}, {{ ref('int_usage_buckets_daily') }}
-- depends_on: {{ ref('restatement') }}, {{ ref('org_restatement_monthly') }}
select
    load_id,
    row_kind,
    usage_hour,
    received_date,
    org_id,
    code,
    rows_count,
    {{ build_started_at() }} as rolled_up_at
from {{ ref('int_loads_pending') }}
