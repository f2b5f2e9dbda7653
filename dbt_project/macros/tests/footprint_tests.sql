{#- Days on which tables of the same footprint differ in a total by more than 1e-9, or of which one
    lacks rows. tables: name: relation with the metric columns. -#}
{% macro differing_totals(tables) %}
{%- set metrics = ['events', 'calls', 'input_tokens', 'cached_input_tokens', 'output_tokens'] + footprint_metrics() -%}
with totals as (
    {%- for name, relation in tables.items() %}
    select
        '{{ name }}' as mart,
        usage_date,
        org_id,
        {{ sums(metrics) }}
    from {{ relation }} as marts
    group by usage_date, org_id
    {%- if not loop.last %}
    union all
    {%- endif %}
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
where differs or marts_found <> {{ tables | length }}
{% endmacro %}
