{{ config(tags=['audit']) }}
-- Tokens and calls of the marts equal those of the raw events that count. Reads all of raw.
with copies as (
    select
        org_id,
        source,
        event_id,
        {{ utc_hour('occurred_at') }} as usage_hour,
        sample_weight,
        request_count,
        coalesce(input_tokens - coalesce(cache_read_input_tokens, 0), 0) as fresh,
        case when input_tokens is not null then coalesce(cache_read_input_tokens, 0) else 0 end as cached,
        coalesce(output_tokens, 0) as output,
        row_number() over (
            partition by org_id, source, event_id, {{ utc_hour('occurred_at') }}
            order by
            {{ copy_order() }}
        ) as choice
    from {{ ref('stg_usage_events') }}
    where not {{ is_closed_day('cast(occurred_at as date)', through_horizon=true) }}
),

landed as (
    select
        copies.org_id,
        sum(sample_weight * request_count) as calls,
        sum(sample_weight * fresh) as input_tokens,
        sum(sample_weight * cached) as cached_input_tokens,
        sum(sample_weight * output) as output_tokens
    from copies
    left join {{ ref('int_events_superseded') }} as superseded
        on copies.org_id = superseded.org_id
            and copies.source = superseded.source
            and copies.event_id = superseded.event_id
            and copies.usage_hour = superseded.usage_hour
    where choice = 1 and superseded.event_id is null
    group by copies.org_id
),

counted as (
    select
        org_id,
        {{ sums(['calls', 'input_tokens', 'cached_input_tokens', 'output_tokens']) }}
    from {{ ref('org_footprint_daily') }}
    where not {{ is_closed_day('usage_date', through_horizon=true) }}
    group by org_id
)

select landed.org_id
from landed
full outer join counted on landed.org_id = counted.org_id
where counted.org_id is null or landed.org_id is null
    {%- for name in ['calls', 'input_tokens', 'cached_input_tokens', 'output_tokens'] %}
    or abs(landed.{{ name }} - counted.{{ name }}) > 1e-9 * landed.{{ name }}
    {%- endfor %}
