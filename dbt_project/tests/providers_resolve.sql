{{ config(tags=['factors']) }}
-- Every name of a provider leads to its defaults, and these to a grid zone, to clouds with regions,
-- and to a PUE and a WUE for calls whose region is not known.
with clouds as (
    select distinct cloud
    from {{ ref('cloud_regions') }}
),

findings as (
    select
        'provider_aliases.csv' as file,
        aliases.provider_name as name,
        'provider ' || aliases.provider || ' is not in provider_defaults.csv' as reason
    from {{ ref('provider_aliases') }} as aliases
    left join {{ ref('provider_defaults') }} as defaults on aliases.provider = defaults.provider
    where defaults.provider is null
    union all
    select
        'provider_defaults.csv' as file,
        '*' as name,
        'no row for any other provider' as reason
    where not exists (
        select 1
        from {{ ref('provider_defaults') }}
        where provider = '*'
    )
    union all
    {{ zones_without_factors('provider_defaults', 'provider', 'default_zone_id') }}
    union all
    select
        'provider_defaults.csv' as file,
        defaults.provider as name,
        'a cloud of ' || defaults.host_clouds || ' is not in cloud_regions.csv' as reason
    from {{ ref('provider_defaults') }} as defaults
    left join clouds on ';' || defaults.host_clouds || ';' like '%;' || clouds.cloud || ';%'
    where defaults.host_clouds is not null
    group by defaults.provider, defaults.host_clouds, defaults.published_at
    -- The clouds found, with a separator each, are as long as the list.
    having coalesce(sum(length(clouds.cloud) + 1), 0) <> length(defaults.host_clouds) + 1
    {%- for facility in ['pue', 'wue'] %}
    union all
    select
        'provider_defaults.csv' as file,
        defaults.provider as name,
        'no {{ facility }} of the provider in factor_facility.csv' as reason
    from {{ ref('provider_defaults') }} as defaults
    left join {{ ref('factor_facility') }} as found
        on defaults.provider = found.key and found.factor_type = '{{ facility }}'
    where found.key is null
    {%- endfor %}
)

select distinct
    file,
    name,
    reason
from findings
