{{ config(tags=['factors']) }}
{%- set tables = {
    'int_factors': ['org_id', 'factor_id', 'value_low', 'value_mid', 'value_high', 'valid_from', 'effective_from',
        'effective_to', 'known_from', 'known_to', 'dq_score', 'factor_set_id'],
    'int_factor_sets': ['known_from', 'factor_set_id'],
    'int_mapping_versions': ['known_from', 'known_to'],
    'int_model_names': ['known_from', 'model_name', 'model_key', 'match_level'],
    'model_families': ['published_at', 'priority', 'match_level', 'pattern', 'model_key'],
    'provider_aliases': ['published_at', 'provider_name', 'provider'],
    'int_providers': ['known_from', 'provider', 'host_clouds', 'default_zone_id', 'default_model_key'],
    'int_provider_regions': ['known_from', 'provider', 'region', 'zone_id', 'electricity_maps_zone_id',
        'zone_fallback_level', 'facility_key'],
    'int_optional_factors': ['factor_id', 'published_at', 'factor_set_id'],
    'int_zones': ['zone_id', 'fallback_water_zone_id', 'country_code', 'known_from'],
    'countries': ['country_code', 'zone_id'],
    'stg_control_period_freezes': ['org_id', 'period_start', 'frozen_on'],
} %}

with contents as (
    {%- for table, columns in tables.items() %}
    select
        '{{ table }}'
        {%- for column in columns %}
        || ';' || coalesce(cast({{ column }} as string), '')
        {%- endfor %} as content
    from {{ ref(table) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    {{ fingerprint('content') }} as fingerprint,
    cast(count(*) as bigint) as rows_count
from contents
