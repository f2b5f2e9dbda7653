{%- set ids = pending_load_ids() %}
{%- set basis = basis_id() %}
{%- set beside = hours_beside(ids) %}

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
{%- if beside %}
union all
select
    load_id,
    'links' as row_kind,
    usage_hour,
    cast(null as date) as received_date,
    cast(null as string) as org_id,
    cast(null as string) as code,
    cast(0 as bigint) as rows_count
from (
    {%- for link in links() %}
    select
        brought.load_id,
        others.usage_hour
    from (
        select distinct
            load_id,
            {{ utc_hour('occurred_at') }} as usage_hour,
            {{ link_hash(link) }} as link_hash
        from {{ ref('stg_usage_events') }}
        where {{ in_loads('load_id', ids) }} and {{ has_link(link) }}
    ) as brought
    inner join (
        {%- for first, after in beside %}
        select distinct
            {{ utc_hour('occurred_at') }} as usage_hour,
            {{ link_hash(link) }} as link_hash
        from {{ ref('stg_usage_events') }}
        where occurred_at >= {{ first }} and occurred_at < {{ after }} and {{ has_link(link) }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as others
        on brought.link_hash = others.link_hash
    where others.usage_hour in (
        brought.usage_hour - interval 1 hour, brought.usage_hour + interval 1 hour
    )
    {{ 'union' if not loop.last }}
    {%- endfor %}
) as linked
{%- endif %}
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
union all
select
    load_id,
    'buckets' as row_kind,
    cast(bucket_date as timestamptz) as usage_hour,
    cast(null as date) as received_date,
    cast(null as string) as org_id,
    cast(null as string) as code,
    cast(count(*) as bigint) as rows_count
from (
    select
        _dlt_load_id as load_id,
        {{ each_day(bucket_first_date(), bucket_last_date()) }} as bucket_date
    from {{ ref('stg_usage_buckets') }}
    where {{ in_loads('_dlt_load_id', ids) }}
) as days
group by load_id, bucket_date
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
