{{ config(tags=['audit']) }}
-- Tokens and calls of the marts equal the earliest receipt of each raw event. Reads all of raw.
with earliest as (
    select
        org_id,
        sample_weight,
        request_count,
        coalesce(input_tokens, 0) - coalesce(cache_read_input_tokens, 0) as fresh,
        coalesce(cache_read_input_tokens, 0) as cached,
        coalesce(output_tokens, 0) as output,
        row_number() over (
            partition by org_id, source, event_id, {{ utc_hour('occurred_at') }}
            order by received_at, landed_file, receipt_id, input_tokens, output_tokens
        ) as choice
    from {{ ref('stg_usage_events') }}
),

landed as (
    select
        org_id,
        sum(sample_weight * request_count) as calls,
        sum(sample_weight * fresh) as input_tokens,
        sum(sample_weight * cached) as cached_input_tokens,
        sum(sample_weight * output) as output_tokens
    from earliest
    where choice = 1
    group by org_id
),

counted as (
    select
        org_id,
        {{ sums(['calls', 'input_tokens', 'cached_input_tokens', 'output_tokens']) }}
    from {{ ref('org_footprint_daily') }}
    group by org_id
)

select landed.org_id
from landed
full outer join counted on landed.org_id = counted.org_id
where counted.org_id is null or landed.org_id is null
    {%- for name in ['calls', 'input_tokens', 'cached_input_tokens', 'output_tokens'] %}
    or abs(landed.{{ name }} - counted.{{ name }}) > 1e-9 * landed.{{ name }}
    {%- endfor %}
