{{ config(tags=['factors']) }}

select
    versions.known_from,
    versions.known_to,
    defaults.provider,
    defaults.host_clouds,
    defaults.default_zone_id,
    defaults.default_model_key
from {{ known_mapping('provider_defaults', ['provider']) }} as defaults
inner join {{ ref('int_mapping_versions') }} as versions
    on {{ known_on('defaults', 'versions.known_from') }}
