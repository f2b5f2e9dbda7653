{{ config(materialized='view') }}

with seen as (
    select
        models.provider,
        models.model,
        {{ bare_model_name('models.model') }} as bare_name,
        {{ common_model_name('models.model') }} as common_name
    from {{ ref('int_models_seen') }} as models
),

versions as (
    select
        versions.known_from,
        versions.known_to,
        seen.*,
        aliases.provider as known_provider
    from seen
    cross join {{ ref('int_mapping_versions') }} as versions
    left join {{ known_mapping('provider_aliases', ['provider_name']) }} as aliases
        on seen.provider = aliases.provider_name and {{ known_on('aliases', 'versions.known_from') }}
),

by_pattern as (
    select
        seen.provider,
        seen.model,
        versions.known_from,
        families.model_key,
        families.match_level,
        row_number() over (
            partition by seen.provider, seen.model, versions.known_from order by families.priority
        ) as choice
    from seen
    inner join {{ known_mapping('model_families', ['priority']) }} as families
        on {{ matches('seen.common_name', 'families.pattern') }}
            or {{ matches('seen.bare_name', 'families.pattern') }}
    inner join {{ ref('int_mapping_versions') }} as versions
        on {{ known_on('families', 'versions.known_from') }}
)

select
    seen.provider,
    seen.model,
    seen.known_from,
    seen.known_to,
    seen.bare_name,
    coalesce(seen.known_provider, '*') as provider_key,
    defaults.default_zone_id,
    coalesce(
        bare.model_key, common.model_key, by_pattern.model_key, defaults.default_model_key
    ) as model_key,
    case
        when bare.model_key is not null then bare.match_level
        when common.model_key is not null then 2
        when by_pattern.model_key is not null then by_pattern.match_level
        when seen.known_provider is not null then 5
        else 6
    end as model_fallback_level
from versions as seen
inner join {{ ref('int_providers') }} as defaults
    on coalesce(seen.known_provider, '*') = defaults.provider and seen.known_from = defaults.known_from
left join {{ ref('int_model_names') }} as bare
    on seen.bare_name = bare.model_name and seen.known_from = bare.known_from
left join {{ ref('int_model_names') }} as common
    on seen.common_name = common.model_name and seen.known_from = common.known_from
left join by_pattern
    on seen.provider = by_pattern.provider and seen.model = by_pattern.model
        and seen.known_from = by_pattern.known_from and by_pattern.choice = 1
