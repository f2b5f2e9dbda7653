with profiles as (
    select
        usage_date,
        org_id,
        profile_key,
        sum(energy_mid_kwh) as energy_mid_kwh
    from (
        {{ usage_footprint(usage_by_profile(ref('int_usage_daily')), ref('int_factors_applied_daily')) }}
    ) as usage
    where energy_route not in ('cache_hit', 'no_inference')
    group by usage_date, org_id, profile_key
),

applied as (
    select
        profiles.org_id,
        profiles.energy_mid_kwh,
        concat_ws(
            ', ',
            nullif(applied.it_factor_ids, '')
            {%- for term in factor_terms() %},
            applied.{{ term }}_factor_ids
            {%- endfor %}
        ) as factor_ids
    from profiles
    inner join {{ ref('int_factors_applied_daily') }} as applied
        on profiles.usage_date = applied.usage_date
            and profiles.org_id = applied.org_id
            and profiles.profile_key = applied.profile_key
),

summed as (
    select
        org_id,
        factor_id,
        sum(energy_mid_kwh) as energy_mid_kwh
    from (
        -- Once where the location-based row stands in for a market-based one.
        select distinct
            org_id,
            factor_ids,
            {{ each_id('factor_ids') }} as factor_id,
            energy_mid_kwh
        from (
            select
                org_id,
                factor_ids,
                sum(energy_mid_kwh) as energy_mid_kwh
            from applied
            group by org_id, factor_ids
        ) as alike
    ) as used
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
