{{ config(tags=['factors']) }}
{%- set mappings = ['models', 'model_aliases', 'model_families', 'provider_aliases', 'provider_defaults',
    'cloud_regions'] %}

with days as (
    {%- for mapping in mappings %}
    select {{ known_from('published_at') }} as known_from
    from {{ ref(mapping) }}
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
)

select
    known_from,
    lead(known_from, 1, {{ end_of_time() }}) over (order by known_from) as known_to
from days
