{{ config(tags=['factors']) }}

with scopes as (
    select distinct org_id from {{ ref('int_factors') }}
),

knowledge_days as (
    select
        org_id,
        known_from as known_on
    from {{ ref('int_factor_rows') }}
    union
    select
        org_id,
        known_to as known_on
    from {{ ref('int_factor_rows') }}
    where known_to < {{ end_of_time() }}
    union
    select
        '*' as org_id,
        known_from as known_on
    from {{ ref('int_mapping_versions') }}
)

select
    scopes.org_id,
    max(knowledge_days.known_on) as latest_known_on
from scopes
inner join knowledge_days
    on scopes.org_id = knowledge_days.org_id or knowledge_days.org_id = '*'
group by scopes.org_id
