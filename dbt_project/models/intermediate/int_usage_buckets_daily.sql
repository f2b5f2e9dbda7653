{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'usage_date', 'partition_grain': 'bucket_day'},
) }}
{%- set dimensions = ['org_id'] + bucket_dimensions() %}
{%- set counts = bucket_counts() %}
{%- set keys = ['usage_date', 'org_id', 'connector', 'provider'] %}

-- depends_on: {{ ref('int_loads_pending') }}
{{ refuse_to_lose_closed_hours() }}
with standing as (
    -- A later report of the same time replaces the earlier; what one report splits further belongs together.
    select
        *,
        rank() over (
            partition by {{ dimensions | join(', ') }}
            order by received_at desc, receipt_id desc, landed_file desc
        ) as choice
    from {{ ref('stg_usage_buckets') }}
    {%- if is_incremental() %}
    where {{ covers_touched_day() }}
    {%- endif %}
),

buckets as (
    select
        {{ dimensions | join(',\n        ') }},
        {{ bucket_first_date() }} as first_date,
        {{ bucket_last_date() }} as last_date,
        {%- for name in counts %}
        case
            when temporality = 'cumulative' then {{ as_double('max(' ~ name ~ ')') }}
            else {{ as_double('sum(' ~ name ~ ')') }}
        end as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from standing
    where choice = 1
    group by {{ dimensions | join(', ') }}
),

spread as (
    -- A bucket over midnight is split by time.
    select
        *,
        {{ each_day('first_date', 'last_date') }} as usage_date
    from buckets
    where temporality <> 'cumulative'
),

shared as (
    select
        *,
        case
            when first_date = last_date then 1e0
            else 1e0 * {{ us_between(
                'greatest(bucket_start, cast(usage_date as timestamptz))',
                'least(bucket_end, cast(usage_date + interval 1 day as timestamptz))'
            ) }} / {{ us_between('bucket_start', 'bucket_end') }}
        end as share
    from spread
),

readings as (
    select
        *,
        last_date as usage_date,
        {{ hash64(dimensions | reject('equalto', 'bucket_end') | list) }} as series_hash
    from buckets
    where temporality = 'cumulative'
),

steps as (
    select
        readings.*,
        {%- for name in counts %}
        lag({{ name }}) over (partition by series_hash, usage_date order by bucket_end) as previous_{{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from readings
)

select
    {{ keys | join(',\n    ') }},
    cast(0 as ubigint) as series_hash,
    {%- for name in counts %}
    sum(share * {{ name }}) as {{ name }},
    cast(null as double) as first_{{ name }},
    cast(null as double) as last_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from shared
where not {{ is_closed_day('usage_date') }}
{%- if is_incremental() %}
    and {{ touched_predicate('usage_date', 'bucket_day') }}
{%- endif %}
group by {{ keys | join(', ') }}
union all
select
    {{ keys | join(',\n    ') }},
    series_hash,
    {%- for name in counts %}
    -- A count that falls has started anew.
    sum(case
        when {{ name }} is null then null
        when previous_{{ name }} is null then 0e0
        when {{ name }} < previous_{{ name }} then {{ name }}
        else {{ name }} - previous_{{ name }}
    end) as {{ name }},
    min_by({{ name }}, bucket_end) as first_{{ name }},
    max_by({{ name }}, bucket_end) as last_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from steps
where not {{ is_closed_day('usage_date') }}
{%- if is_incremental() %}
    and {{ touched_predicate('usage_date', 'bucket_day') }}
{%- endif %}
group by {{ keys | join(', ') }}, series_hash
{%- if is_incremental() and horizons() %}
union all
select
    {{ keys | join(',\n    ') }},
    series_hash,
    {%- for name in counts %}
    {{ name }},
    first_{{ name }},
    last_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ this }}
where {{ touched_predicate('usage_date', 'bucket_day') }} and {{ is_closed_day('usage_date') }}
{%- endif %}
