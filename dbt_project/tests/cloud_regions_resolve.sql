{{ config(tags=['factors']) }}
{%- set facilities = ['pue', 'wue'] %}
-- Every cloud region leads to grid and water factors, and for each provider that its cloud hosts to
-- a PUE and a WUE.
with findings as (
    {{ zones_without_factors('cloud_regions', "cloud || '/' || region", 'zone_id') }}
    union all
    {{ zones_without_factors('cloud_regions', "cloud || '/' || region", 'country_zone_id') }}
    {%- for facility in facilities %}
    union all
    select
        'cloud_regions.csv' as file,
        regions.cloud || '/' || regions.region as name,
        'no {{ facility }} of the region nor of provider ' || providers.provider as reason
    from {{ ref('cloud_regions') }} as regions
    inner join {{ ref('provider_defaults') }} as providers
        on ';' || providers.host_clouds || ';' like '%;' || regions.cloud || ';%'
    left join {{ ref('factor_facility') }} as found
        on found.factor_type = '{{ facility }}'
            and found.key in (regions.cloud || '/' || regions.region, providers.provider)
    where found.key is null
    {%- endfor %}
)

select distinct
    file,
    name,
    reason
from findings
