{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    meta={'partition_column': 'period_start', 'partition_grain': 'month'},
) }}
{#- The terms are replaced one after the other, so the parts of a difference sum to it exactly:
    part k = f(first k terms as known now, the rest as reported) - f(first k - 1 as known now, ...). -#}
{%- set formulas = footprint_formulas() %}
{%- set sides = ['reported', 'restated'] %}
{%- set of_use = ['usage_date', 'energy_route', 'unit_kind', 'is_batch_tier'] %}
{%- set side_keys = [] %}
{%- for key in factor_use_columns() if key not in of_use %}{% do side_keys.append(key) %}{% endfor %}
{%- set group_columns = ['org_id', 'period_start'] + of_use %}
{%- for key in side_keys %}{% for side in sides %}{% do group_columns.append(key ~ '_' ~ side) %}{% endfor %}{% endfor %}
{%- set term_words = {'it': 'IT energy', 'pue': 'PUE', 'wue': 'WUE', 'ewif': 'water of electricity',
    'ewif_without_hydro': 'water of electricity without hydro', 'location': 'grid, location-based',
    'market': 'grid, market-based', 'embodied': 'manufacture of hardware'} %}
{%- set divided = {
    'pue': ('energy_mid_kwh', 'it_energy_mid_kwh', 1),
    'wue': ('water_onsite_mid_l', 'it_energy_mid_kwh', 1),
    'ewif': ('water_offsite_mid_l', 'energy_mid_kwh', 1),
    'ewif_without_hydro': ('water_offsite_without_hydro_mid_l', 'energy_mid_kwh', 1),
    'location': ('co2e_location_mid_kg', 'energy_mid_kwh', 1000),
    'market': ('co2e_market_mid_kg', 'energy_mid_kwh', 1000),
    'embodied': ('co2e_embodied_mid_kg', 'it_energy_mid_kwh', 1000),
} %}

with reported as (
    select * from {{ touched(ref('usage_footprint_as_reported_daily'), 'usage_date', 'month') }} as usage
),

restated as (
    select * from {{ touched(ref('usage_footprint_daily'), 'usage_date', 'month') }} as usage
),

-- The same usage under both lenses, with the terms of its formulas.
paired as (
    select
        reported.org_id,
        {{ month_start('reported.usage_date') }} as period_start,
        {%- for side in sides %}
        {%- for key in side_keys %}
        {{ side }}.{{ key }} as {{ key }}_{{ side }},
        {%- endfor %}
        {{ side }}.it_energy_mid_kwh as it_{{ side }},
        {%- endfor %}
        {%- for term, (numerator, denominator, scale) in divided.items() %}
        {%- for side in sides %}
        {%- set other = 'restated' if side == 'reported' else 'reported' %}
        -- Without energy on one side its term is unknown and of no effect.
        coalesce(
            {{ side }}.{{ numerator }} / nullif({{ side }}.{{ denominator }}, 0e0),
            {{ other }}.{{ numerator }} / nullif({{ other }}.{{ denominator }}, 0e0),
            0e0
        ) * {{ scale }}e0 as {{ term }}_{{ side }},
        {%- endfor %}
        {%- endfor %}
        reported.usage_date,
        reported.energy_route,
        reported.unit_kind,
        reported.is_batch_tier
    from reported
    inner join restated
        on reported.usage_date = restated.usage_date
            and reported.org_id = restated.org_id
            and reported.usage_key = restated.usage_key
),

settled as (
    select
        {{ group_columns | join(',\n        ') }},
        it_reported,
        it_restated{% for term in divided %},
        {{ term }}_reported,
        -- What only the rounding of the division moved has not changed.
        case
            when abs({{ term }}_restated - {{ term }}_reported) <= 1e-12 * abs({{ term }}_reported)
                then {{ term }}_reported
            else {{ term }}_restated
        end as {{ term }}_restated{% endfor %}
    from paired
),

grouped as (
    select
        {{ group_columns | join(',\n        ') }},
        {%- for stem, formula in formulas.items() %}
        {%- for term in formula.factors %}
        sum(
            {{ partly_restated(formula, loop.index) }}
            - ({{ partly_restated(formula, loop.index0) }})
        ) as {{ stem }}__{{ term }},
        {%- endfor %}
        {%- endfor %}
        row_number() over (order by {{ group_columns | join(', ') }}) as group_id
    from settled
    group by {{ group_columns | join(', ') }}
),
{%- for side in sides %}

usage_{{ side }} as (
    select
        group_id,
        usage_date,
        energy_route,
        unit_kind,
        is_batch_tier,
        {%- for key in side_keys %}
        {{ key }}_{{ side }} as {{ key }}{{ ',' if not loop.last }}
        {%- endfor %}
    from grouped
),

factors_{{ side }} as (
    select
        group_id,
        'it' as term,
        factor_id
    from ({{ it_energy_factors('usage_' ~ side, ['group_id'], ref('int_factors')) }}) as it_energy_factors
    {%- for term, use in single_factor_terms().items() %}
    {%- set key = use.key if use.key.startswith("'") else 'u.' ~ use.key %}
    union all
    select
        u.group_id,
        '{{ term }}' as term,
        {%- if use.otherwise %}
        coalesce(c.factor_id, otherwise.factor_id) as factor_id
        {%- else %}
        c.factor_id
        {%- endif %}
    from usage_{{ side }} as u
    {%- if use.otherwise %}
    {%- set other = single_factor_terms()[use.otherwise] %}
    inner join {{ ref('int_factors') }} as otherwise
        on otherwise.factor_type = '{{ other.type }}' and otherwise.key = u.{{ other.key }} and {{ in_force('otherwise') }}
    {%- endif %}
    {{ 'left' if use.otherwise else 'inner' }} join {{ ref('int_factors') }} as c
        on c.factor_type = '{{ use.type }}' and c.key = {{ key }} and {{ in_force('c') }}
    {%- endfor %}
),
{%- endfor %}

changed as (
    select
        coalesce(reported.group_id, restated.group_id) as group_id,
        coalesce(reported.term, restated.term) as term,
        {{ joined_text('reported.factor_id') }} as reported_factor_ids,
        {{ joined_text('restated.factor_id') }} as restated_factor_ids
    from factors_reported as reported
    full outer join factors_restated as restated
        on reported.group_id = restated.group_id
            and reported.term = restated.term
            and reported.factor_id = restated.factor_id
    where reported.factor_id is null or restated.factor_id is null
    group by coalesce(reported.group_id, restated.group_id), coalesce(reported.term, restated.term)
),

parts as (
    {%- for stem, formula in formulas.items() %}
    {%- set last_stem = loop.last %}
    {%- for term in formula.factors %}
    select
        group_id,
        org_id,
        period_start,
        '{{ stem }}_mid_{{ formula.unit }}' as metric,
        '{{ printed_unit(formula.unit) }}' as unit,
        '{{ term }}' as term,
        {{ stem }}__{{ term }} as difference
    from grouped
    where {{ stem }}__{{ term }} <> 0e0
    {%- if not (last_stem and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
)

select
    parts.org_id,
    parts.period_start,
    parts.metric,
    case parts.term
        {%- for term, words in term_words.items() %}
        when '{{ term }}' then '{{ words }}'
        {%- endfor %}
    end as term,
    coalesce(changed.reported_factor_ids, '') as reported_factor_ids,
    coalesce(changed.restated_factor_ids, '') as restated_factor_ids,
    parts.unit,
    sum(parts.difference) as difference
from parts
left join changed on parts.group_id = changed.group_id and parts.term = changed.term
group by
    parts.org_id,
    parts.period_start,
    parts.metric,
    parts.unit,
    parts.term,
    coalesce(changed.reported_factor_ids, ''),
    coalesce(changed.restated_factor_ids, '')
