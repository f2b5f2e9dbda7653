{{ config(tags=['factors']) }}
{%- set tables = {
    'int_factors': ['factor_id', 'value_low', 'value_mid', 'value_high', 'valid_from', 'valid_to', 'dq_score', 'factor_set_id'],
    'int_model_names': ['model_name', 'model_key', 'match_level'],
    'model_families': ['priority', 'match_level', 'pattern', 'model_key'],
    'provider_aliases': ['provider_name', 'provider'],
    'provider_defaults': ['provider', 'default_zone_id', 'default_model_key'],
    'int_provider_regions': ['provider', 'region', 'zone_id', 'zone_fallback_level', 'pue_key', 'wue_key', 'market_key'],
    'int_zones': ['zone_id', 'water_zone_id', 'water_without_hydro_zone_id'],
    'countries': ['country_code', 'zone_id'],
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
