{{ config(tags=['factors']) }}

with offered as (
    select
        providers.provider,
        regions.region,
        regions.cloud,
        regions.zone_id,
        regions.cloud || '/' || regions.region as facility_key,
        -- A region of the provider's own hosts comes before the same code at another cloud.
        case
            when
                ';' || providers.host_clouds || ';' like '%;' || regions.cloud || ';%' then 1
            else 2
        end as zone_fallback_level
    from {{ ref('provider_defaults') }} as providers
    cross join {{ ref('cloud_regions') }} as regions
),

ranked as (
    select
        *,
        row_number() over (
            partition by provider, region order by zone_fallback_level, cloud
        ) as choice
    from offered
),

{%- for factor_type, name in [('pue', 'pue'), ('wue', 'wue'), ('grid_market', 'market')] %}

{{ name }} as (
    select distinct key
    from {{ ref('int_factors') }}
    where factor_type = '{{ factor_type }}'
){{ ',' if not loop.last }}
{%- endfor %}

select
    ranked.provider,
    ranked.region,
    ranked.zone_id,
    ranked.zone_fallback_level,
    coalesce(pue.key, ranked.provider) as pue_key,
    coalesce(wue.key, ranked.provider) as wue_key,
    coalesce(market.key, ranked.provider) as market_key
from ranked
{%- for name in ['pue', 'wue', 'market'] %}
left join {{ name }} on ranked.facility_key = {{ name }}.key
{%- endfor %}
where ranked.choice = 1
