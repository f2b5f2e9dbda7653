{{ config(tags=['factors']) }}

with candidates as (
    select
        {{ bare_model_name('model_key') }} as model_name,
        model_key,
        1 as match_level
    from {{ ref('models') }}
    union all
    select
        model_name,
        model_key,
        2 as match_level
    from {{ ref('model_aliases') }}
    union all
    select
        {{ common_model_name('model_key') }} as model_name,
        model_key,
        2 as match_level
    from {{ ref('models') }}
),

ranked as (
    select
        model_name,
        model_key,
        match_level,
        row_number() over (partition by model_name order by match_level asc, model_key desc) as choice
    from candidates
)

select
    model_name,
    model_key,
    match_level
from ranked
where choice = 1
