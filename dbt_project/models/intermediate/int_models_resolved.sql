{{ config(materialized='view') }}

with seen as (
    select
        models.provider,
        models.model,
        aliases.provider as known_provider,
        {{ bare_model_name('models.model') }} as bare_name,
        {{ common_model_name('models.model') }} as common_name
    from {{ ref('int_models_seen') }} as models
    left join {{ ref('provider_aliases') }} as aliases on models.provider = aliases.provider_name
),

by_pattern as (
    select
        seen.provider,
        seen.model,
        families.model_key,
        families.match_level,
        row_number() over (
            partition by seen.provider, seen.model order by families.priority
        ) as choice
    from seen
    inner join {{ ref('model_families') }} as families
        on {{ matches('seen.common_name', 'families.pattern') }}
            or {{ matches('seen.bare_name', 'families.pattern') }}
)

select
    seen.provider,
    seen.model,
    seen.bare_name,
    coalesce(seen.known_provider, '*') as provider_key,
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
from seen
inner join {{ ref('provider_defaults') }} as defaults
    on coalesce(seen.known_provider, '*') = defaults.provider
left join {{ ref('int_model_names') }} as bare on seen.bare_name = bare.model_name
left join {{ ref('int_model_names') }} as common on seen.common_name = common.model_name
left join by_pattern
    on seen.provider = by_pattern.provider and seen.model = by_pattern.model
        and by_pattern.choice = 1
