{{ config(tags=['factors']) }}

select
    key as zone_id,
    -- Where a zone has no water figure of its own.
    case when key like 'US-%' then 'USA' else 'WORLD' end as fallback_water_zone_id,
    min(known_from) as known_from,
    {{ end_of_time() }} as known_to
from {{ ref('int_factors') }}
where factor_type = 'grid_location'
group by key
