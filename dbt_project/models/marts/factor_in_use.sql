with usage as (
    select
        org_id,
        {{ factor_use_columns() | join(',\n        ') }},
        sum(energy_mid_kwh) as energy_mid_kwh
    from {{ ref('usage_footprint_daily') }}
    where energy_route not in ('cache_hit', 'no_inference')
    group by
        org_id,
        {{ factor_use_columns() | join(',\n        ') }}
),

used as (
    {{ it_energy_factors('usage', ['org_id', 'energy_mid_kwh'], ref('int_factors')) }}
    {%- for term in single_factor_terms().values() %}
    union all
    select
        u.org_id,
        u.energy_mid_kwh,
        c.factor_type,
        c.factor_id
    from usage as u
    inner join {{ ref('int_factors') }} as c
        on c.factor_type = '{{ term.type }}'
            and c.key = {{ term.key if term.key.startswith("'") else 'u.' ~ term.key }}
            and {{ in_force('c') }}
    {%- endfor %}
),

summed as (
    select
        org_id,
        factor_id,
        sum(energy_mid_kwh) as energy_mid_kwh
    from used
    group by org_id, factor_id
)

select
    summed.org_id,
    factors.factor_id,
    factors.factor_type,
    factors.key,
    factors.value_low,
    factors.value_mid,
    factors.value_high,
    factors.unit,
    factors.basis,
    factors.data_year,
    factors.valid_from,
    factors.source,
    factors.source_url,
    factors.licence,
    factors.dq_score,
    factors.factor_set_id,
    factors.is_override,
    summed.energy_mid_kwh
from summed
inner join {{ ref('int_factor_rows') }} as factors on summed.factor_id = factors.factor_id
