{{ config(tags=['factors']) }}

with registry as (
    select * from {{ known_mapping('models', ['model_key']) }} as models
),

candidates as (
    select
        {{ bare_model_name('model_key') }} as model_name,
        model_key,
        1 as match_level,
        known_from,
        known_to
    from registry
    union all
    select
        model_name,
        model_key,
        2 as match_level,
        known_from,
        known_to
    from {{ known_mapping('model_aliases', ['model_name']) }} as aliases
    union all
    select
        {{ common_model_name('model_key') }} as model_name,
        model_key,
        2 as match_level,
        known_from,
        known_to
    from registry
),

ranked as (
    select
        versions.known_from,
        versions.known_to,
        candidates.model_name,
        candidates.model_key,
        candidates.match_level,
        row_number() over (
            partition by versions.known_from, candidates.model_name
            order by candidates.match_level asc, candidates.model_key desc
        ) as choice
    from candidates
    inner join {{ ref('int_mapping_versions') }} as versions
        on {{ known_on('candidates', 'versions.known_from') }}
)

select
    known_from,
    known_to,
    model_name,
    model_key,
    match_level
from ranked
where choice = 1
