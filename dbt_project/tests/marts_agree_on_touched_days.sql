{%- set marts = ['org', 'team', 'user', 'model', 'region'] %}
{%- set metrics = ['events', 'calls', 'input_tokens', 'cached_input_tokens', 'output_tokens'] + footprint_metrics() %}
-- The five marts and their base hold the same totals on the touched days, to 1e-9.
with totals as (
    select
        'usage' as mart,
        usage_date,
        org_id,
        {{ sums(metrics) }}
    from {{ touched_rows(ref('usage_footprint_daily'), 'usage_date', 'day') }} as usage
    group by usage_date, org_id
    {%- for mart in marts %}
    union all
    select
        '{{ mart }}' as mart,
        usage_date,
        org_id,
        {{ sums(metrics) }}
    from {{ touched_rows(ref(mart ~ '_footprint_daily'), 'usage_date', 'day') }} as marts
    group by usage_date, org_id
    {%- endfor %}
),

compared as (
    select
        usage_date,
        org_id,
        count(*) as marts_found,
        {%- for metric in metrics %}
        max({{ metric }}) - min({{ metric }}) > 1e-9 * max(abs({{ metric }}))
        {{ 'as differs' if loop.last else 'or' }}
        {%- endfor %}
    from totals
    group by usage_date, org_id
)

select
    usage_date,
    org_id,
    marts_found,
    differs
from compared
where differs or marts_found <> {{ marts | length + 1 }}
