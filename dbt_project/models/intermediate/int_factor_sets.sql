{{ config(tags=['factors']) }}

with published as (
    select
        factors.known_from,
        max(factors.factor_set_id) as factor_set_id
    from {{ ref('int_factor_rows') }} as factors
    left join {{ ref('int_optional_factors') }} as optional on factors.factor_id = optional.factor_id
    where factors.org_id = '*' and optional.factor_id is null
    group by factors.known_from
)

select
    known_from,
    lead(known_from, 1, {{ end_of_time() }}) over (order by known_from) as known_to,
    factor_set_id
from published
