{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'period_start', 'partition_grain': 'month'},
) }}
{#- The terms are replaced one after the other, so the parts of a difference sum to it exactly:
    part k = f(first k terms as known now, the rest as reported) - f(first k - 1 as known now, ...). -#}
{%- set formulas = footprint_formulas() %}
{%- set terms = ['it'] + factor_terms() %}
{%- set words = {'it': 'IT energy', 'pue': 'PUE', 'wue': 'WUE', 'ewif': 'water of electricity',
    'ewif_without_hydro': 'water of electricity without hydro', 'location': 'grid, location-based',
    'market': 'grid, market-based', 'embodied': 'manufacture of hardware'} %}
{%- set ids = [] %}
{%- for term in terms %}
{%- for side in ['reported', 'restated'] %}
{%- do ids.append(term ~ '_ids_' ~ side) %}
{%- endfor %}
{%- endfor %}

with frozen as (
    {{ frozen_usage() }}
),

differences as (
    select
        org_id,
        period_start,
        {{ ids | join(',\n        ') }}
        {%- for stem, formula in formulas.items() %}
        {%- for term in formula.factors %},
        sum(
            {{ partly_restated(formula, loop.index) }}
            - ({{ partly_restated(formula, loop.index0) }})
        ) as {{ stem }}__{{ term }}
        {%- endfor %}
        {%- endfor %}
    from frozen
    group by
        org_id,
        period_start,
        {{ ids | join(',\n        ') }}
),

parts as (
    {%- for stem, formula in formulas.items() %}
    {%- set last_stem = loop.last %}
    {%- for term in formula.factors %}
    select
        org_id,
        period_start,
        '{{ stem }}_mid_{{ formula.unit }}' as metric,
        '{{ printed_unit(formula.unit) }}' as unit,
        '{{ words[term] }}' as term,
        {{ term }}_ids_reported as ids_reported,
        {{ term }}_ids_restated as ids_restated,
        {{ stem }}__{{ term }} as difference
    from differences
    where {{ stem }}__{{ term }} <> 0e0
    {%- if not (last_stem and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
)

select
    org_id,
    period_start,
    metric,
    term,
    {{ ids_without('ids_reported', 'ids_restated') }} as reported_factor_ids,
    {{ ids_without('ids_restated', 'ids_reported') }} as restated_factor_ids,
    unit,
    sum(difference) as difference
from parts
group by
    org_id,
    period_start,
    metric,
    term,
    {{ ids_without('ids_reported', 'ids_restated') }},
    {{ ids_without('ids_restated', 'ids_reported') }},
    unit
