{{ config(tags=['factors']) }}

with codes as (
    select
        zone_id,
        min(country_code) as country_code
    from {{ ref('countries') }}
    group by zone_id
    having min(country_code) = max(country_code)
)

select
    factors.key as zone_id,
    -- Where a zone has no water figure of its own.
    case when factors.key like 'US-%' then 'USA' else 'WORLD' end as fallback_water_zone_id,
    codes.country_code,
    min(factors.known_from) as known_from,
    {{ end_of_time() }} as known_to
from {{ ref('int_factors') }} as factors
left join codes on factors.key = codes.zone_id
where factors.factor_type = 'grid_location'
    and factors.key not like {{ electricity_maps_key("'%'") }}
group by factors.key, codes.country_code
