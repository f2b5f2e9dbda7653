{{ config(tags=['factors']) }}

with zones as (
    select distinct key as zone_id
    from {{ ref('int_factors') }}
    where factor_type = 'grid_location'
),

watered as (
    select distinct key as zone_id
    from {{ ref('int_factors') }}
    where factor_type = 'water_offsite'
)

select
    zones.zone_id,
    case
        when watered.zone_id is not null then watered.zone_id
        when zones.zone_id like 'US-%' then 'USA'
        else 'WORLD'
    end as water_zone_id
from zones
left join watered on zones.zone_id = watered.zone_id
