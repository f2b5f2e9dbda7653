{{ config(tags=['factors']) }}

with offered as (
    select
        providers.known_from,
        providers.known_to,
        providers.provider,
        regions.region,
        regions.cloud,
        regions.zone_id,
        regions.electricity_maps_zone_id,
        regions.cloud || '/' || regions.region as facility_key,
        -- A region of the provider's own hosts comes before the same code at another cloud.
        case
            when
                ';' || providers.host_clouds || ';' like '%;' || regions.cloud || ';%' then 1
            else 2
        end as zone_fallback_level
    from {{ ref('int_providers') }} as providers
    inner join {{ known_mapping('cloud_regions', ['cloud', 'region']) }} as regions
        on {{ known_on('regions', 'providers.known_from') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by known_from, provider, region order by zone_fallback_level, cloud
        ) as choice
    from offered
)

select
    known_from,
    known_to,
    provider,
    region,
    zone_id,
    electricity_maps_zone_id,
    zone_fallback_level,
    facility_key
from ranked
where choice = 1
