{%- set ids = pending_load_ids() %}
{%- set basis = basis_id() %}

select
    load_id,
    'load' as row_kind,
    cast(null as timestamptz) as usage_hour,
    cast(null as date) as received_date,
    cast(null as string) as org_id,
    cast(null as string) as code,
    cast(0 as bigint) as rows_count
from {{ ref('stg_loads') }}
where status = 0 and {{ in_loads('load_id', ids) }}
union all
select
    load_id,
    'events' as row_kind,
    {{ utc_hour('occurred_at') }} as usage_hour,
    cast(received_at as date) as received_date,
    org_id,
    cast(null as string) as code,
    cast(count(*) as bigint) as rows_count
from {{ ref('stg_usage_events') }}
where {{ in_loads('load_id', ids) }}
group by load_id, {{ utc_hour('occurred_at') }}, cast(received_at as date), org_id
union all
select
    load_id,
    'rejects' as row_kind,
    cast(null as timestamptz) as usage_hour,
    cast(received_at as date) as received_date,
    org_id,
    code,
    cast(count(distinct rejection_id) as bigint) as rows_count
from {{ ref('stg_usage_rejects') }}
where {{ in_loads('load_id', ids) }}
group by load_id, cast(received_at as date), org_id, code
{%- if is_new_basis(basis) %}
union all
select
    '{{ basis }}' as load_id,
    'basis' as row_kind,
    cast(null as timestamptz) as usage_hour,
    cast(null as date) as received_date,
    cast(null as string) as org_id,
    cast(null as string) as code,
    cast(0 as bigint) as rows_count
{%- endif %}
-- depends_on: {{ ref('int_factor_basis') }}, {{ ref('stg_control_users') }}, {{ ref('stg_loads') }}
