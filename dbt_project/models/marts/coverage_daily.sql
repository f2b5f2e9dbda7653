{%- set counts = bucket_counts() %}
{%- set measures = {'request_count': 'calls', 'input_tokens': 'input_tokens', 'output_tokens': 'output_tokens'} %}

with providers as (
    -- As known now; reports and calls may use different names of one provider.
    select
        provider_name,
        provider
    from {{ known_mapping('provider_aliases', ['provider_name']) }} as aliases
    where {{ known_on('aliases', latest_knowledge()) }}
),

readings as (
    select
        *,
        {%- for name in counts %}
        case
            when series_hash <> 0
                then lag(last_{{ name }}) over (
                    partition by org_id, series_hash order by usage_date
                )
        end as previous_{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_usage_buckets_daily') }}
),

reported as (
    select
        readings.usage_date,
        readings.org_id,
        coalesce(providers.provider, readings.provider) as provider,
        readings.connector,
        {%- for name in counts %}
        -- What a running total rose by since its last reading before the day, or since it began.
        sum(
            readings.{{ name }} + case
                when first_{{ name }} is null then 0e0
                when previous_{{ name }} is null or first_{{ name }} < previous_{{ name }}
                    then first_{{ name }}
                else first_{{ name }} - previous_{{ name }}
            end
        ) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from readings
    left join providers on readings.provider = providers.provider_name
    group by
        readings.usage_date, readings.org_id,
        coalesce(providers.provider, readings.provider), readings.connector
),

counted as (
    -- What a provider sees of the calls: no answers from a gateway's cache, no calls it refused.
    select
        usage.usage_date,
        usage.org_id,
        coalesce(providers.provider, usage.provider) as provider,
        sum(usage.calls) as calls,
        sum(usage.input_tokens + usage.cached_input_tokens) as input_tokens,
        sum(usage.output_tokens) as output_tokens
    from {{ ref('int_usage_daily') }} as usage
    left join providers on usage.provider = providers.provider_name
    where usage.energy_route not in ('cache_hit', 'no_inference')
        and usage.usage_date in (select usage_date from reported)
    group by usage.usage_date, usage.org_id, coalesce(providers.provider, usage.provider)
)

select
    reported.usage_date,
    reported.org_id,
    reported.provider,
    reported.connector,
    {%- for name, as_counted in measures.items() %}
    reported.{{ name }} as bucket_{{ as_counted }},
    coalesce(counted.{{ as_counted }}, 0e0) as counted_{{ as_counted }},
    greatest(reported.{{ name }} - coalesce(counted.{{ as_counted }}, 0e0), 0e0) as unattributed_{{ as_counted }},
    {%- endfor %}
    coalesce(counted.calls, 0e0) / nullif(reported.request_count, 0e0) as calls_coverage_share,
    coalesce(
        case when reported.input_tokens is not null then counted.input_tokens else 0e0 end
        + case when reported.output_tokens is not null then counted.output_tokens else 0e0 end,
        0e0
    ) / nullif(
        coalesce(reported.input_tokens, 0e0) + coalesce(reported.output_tokens, 0e0), 0e0
    ) as tokens_coverage_share
from reported
left join counted
    on reported.usage_date = counted.usage_date
        and reported.org_id = counted.org_id
        and reported.provider = counted.provider
