{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'usage_hour', 'partition_grain': 'hour'},
) }}
{#- An event depends on those within half an hour of it: on another of the call within the tolerance,
    and on whether that one's id is its own within the tolerance. Hence the hours around are read. -#}
{%- set events = touched(ref('stg_usage_events'), 'occurred_at', 'hour', around=1) %}
{%- set key = event_key() %}
{{ refuse_to_lose_closed_hours() }}
with shared as (
    -- Ids under which more than one source sent events; few, and none where no event has ids.
    select link_hash
    from (
        {%- for link in links() %}
        select
            {{ link_hash(link) }} as link_hash,
            {{ hash64(['source']) }} as source_hash
        from {{ events }} as events
        where {{ has_link(link) }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as linked
    group by link_hash
    having min(source_hash) <> max(source_hash)
),

looked_at as (
    {%- for link in links() %}
    select {{ hash64(key) }} as key_hash
    from {{ events }} as events
    where {{ has_link(link) }} and {{ link_hash(link) }} in (select link_hash from shared)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

copies as (
    select
        events.*,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by
            {{ copy_order() }}
        ) as choice
    from {{ events }} as events
    where {{ hash64(key) }} in (select key_hash from looked_at)
),

known as (
    select
        *,
        {{ missing_sides() }} as missing_sides,
        case when sample_weight > 1 then 1 else 0 end as is_sampled,
        {{ source_rank() }} as source_rank
    from copies
    where choice = 1
),

linked as (
    {%- for link, columns in links().items() %}
    select
        '{{ link }}' as link,
        {{ loop.index }} as link_order,
        {{ columns | join(" || ' ' || ") }} as link_key,
        known.*
    from known
    where {{ has_link(link) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

placed as (
    select
        *,
        lag(occurred_at) over (
            partition by org_id, link, link_key, source order by occurred_at, event_id
        ) as previous_at,
        lead(occurred_at) over (
            partition by org_id, link, link_key, source order by occurred_at, event_id
        ) as next_at,
        row_number() over (
            partition by org_id, link, link_key
            order by
                missing_sides, is_sampled, source_rank, occurred_at, received_at, source, event_id
        ) as standing
    from linked
),

single as (
    -- An id that its source gave to another event within the tolerance tells neither apart.
    select * from placed
    where coalesce(occurred_at - previous_at > {{ link_tolerance() }}, true)
        and coalesce(next_at - occurred_at > {{ link_tolerance() }}, true)
),

outranked as (
    select
        loser.*,
        winner.source as superseded_by_source,
        winner.event_id as superseded_by_event_id,
        case
            when winner.missing_sides < loser.missing_sides then 'it knows more token counts'
            when winner.is_sampled < loser.is_sampled then 'it is not sampled'
            when winner.source_rank < loser.source_rank
                then {{ source_kind_name('winner.source_rank') }} || ' before '
                    || {{ source_kind_name('loser.source_rank') }}
            else 'it is the earlier'
        end as why,
        row_number() over (
            partition by loser.org_id, loser.source, loser.event_id, {{ utc_hour('loser.occurred_at') }}
            order by
                winner.missing_sides, winner.is_sampled, winner.source_rank, winner.occurred_at,
                winner.received_at, winner.source, winner.event_id, loser.link_order
        ) as winner_choice
    from single as loser
    inner join single as winner
        on loser.org_id = winner.org_id and loser.link = winner.link and loser.link_key = winner.link_key
    where loser.source <> winner.source
        and winner.standing < loser.standing
        and winner.occurred_at >= loser.occurred_at - {{ link_tolerance() }}
        and winner.occurred_at <= loser.occurred_at + {{ link_tolerance() }}
        and {{ tokens_agree('input_tokens', 'loser', 'winner') }}
        and {{ tokens_agree('output_tokens', 'loser', 'winner') }}
        {%- if is_incremental() %}
        and {{ touched_predicate('loser.occurred_at', 'hour') }}
        {%- endif %}
)

select
    {{ utc_hour('occurred_at') }} as usage_hour,
    cast(occurred_at as date) as usage_date,
    cast(received_at as date) as received_date,
    org_id,
    source,
    event_id,
    occurred_at,
    {{ as_double('request_count') }} * sample_weight as calls,
    superseded_by_source,
    superseded_by_event_id,
    link,
    'same ' || link || ', ' || why as reason
from outranked
where winner_choice = 1 and not {{ is_closed_hour('occurred_at') }}
{%- if is_incremental() and horizons() %}
union all
select
    usage_hour,
    usage_date,
    received_date,
    org_id,
    source,
    event_id,
    occurred_at,
    calls,
    superseded_by_source,
    superseded_by_event_id,
    link,
    reason
from {{ this }}
where {{ touched_predicate('usage_hour', 'hour') }} and {{ is_closed_hour('usage_hour') }}
{%- endif %}
