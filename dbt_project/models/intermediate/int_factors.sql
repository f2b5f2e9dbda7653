{{ config(tags=['factors']) }}
{#- An organisation without overrides takes the rows of '*'; one with overrides has a set of its own,
    in which its rows stand in for the shared ones. -#}

with scopes as (
    select distinct org_id from {{ ref('int_factor_rows') }}
),

scoped as (
    select
        scopes.org_id as scope_id,
        rows_of.*
    from {{ ref('int_factor_rows') }} as rows_of
    inner join scopes on rows_of.org_id = scopes.org_id or rows_of.org_id = '*'
),

-- Days on which what is known of a bundle changes, and days of use on which its figures change.
knowledge_days as (
    select
        scope_id,
        bundle,
        known_from
    from scoped
    union
    select
        scope_id,
        bundle,
        known_to as known_from
    from scoped
    where known_to < {{ end_of_time() }}
),

knowledge as (
    select
        scope_id,
        bundle,
        known_from,
        lead(known_from, 1, {{ end_of_time() }}) over (
            partition by scope_id, bundle order by known_from
        ) as known_to
    from knowledge_days
),

use_days as (
    select
        scope_id,
        bundle,
        {{ beginning() }} as effective_from
    from scoped
    union
    select
        scope_id,
        bundle,
        valid_from as effective_from
    from (
        select
            *,
            min(case when not is_override then valid_from end) over (
                partition by scope_id, bundle
            ) as first_shared_day
        from scoped
    ) as starts
    -- The first shared figure reaches back, so nothing changes on its first day.
    where is_override or valid_from > first_shared_day
    union
    select
        scope_id,
        bundle,
        valid_to as effective_from
    from scoped
    where is_override and valid_to is not null
),

uses as (
    select
        scope_id,
        bundle,
        effective_from,
        lead(effective_from, 1, {{ end_of_time() }}) over (
            partition by scope_id, bundle order by effective_from
        ) as effective_to
    from use_days
),

candidates as (
    select
        scoped.*,
        uses.effective_from,
        uses.effective_to,
        knowledge.known_from as interval_known_from,
        knowledge.known_to as interval_known_to,
        row_number() over (
            partition by
                scoped.scope_id,
                scoped.factor_type,
                scoped.key,
                knowledge.known_from,
                uses.effective_from
            order by
                scoped.is_override desc,
                scoped.is_converted asc,
                -- The latest figure that has begun, else the first to begin.
                case when scoped.valid_from <= uses.effective_from then 1 else 2 end asc,
                case when scoped.valid_from <= uses.effective_from then scoped.valid_from end desc,
                scoped.valid_from asc,
                scoped.published_at desc,
                scoped.factor_id desc
        ) as choice
    from scoped
    inner join knowledge
        on scoped.scope_id = knowledge.scope_id
            and scoped.bundle = knowledge.bundle
            and scoped.known_from <= knowledge.known_from
            and scoped.known_to > knowledge.known_from
    inner join uses
        on scoped.scope_id = uses.scope_id
            and scoped.bundle = uses.bundle
            and (
                not scoped.is_override
                or (
                    scoped.valid_from <= uses.effective_from
                    and coalesce(scoped.valid_to, {{ end_of_time() }}) > uses.effective_from
                )
            )
)

select
    scope_id as org_id,
    factor_id,
    factor_type,
    key,
    value_low,
    value_mid,
    value_high,
    unit,
    basis,
    method,
    data_year,
    valid_from,
    valid_to,
    published_at,
    source,
    source_url,
    licence,
    dq_score,
    supersedes_id,
    factor_set_id,
    factor_file,
    is_override,
    effective_from,
    effective_to,
    interval_known_from as known_from,
    interval_known_to as known_to
from candidates
where choice = 1
