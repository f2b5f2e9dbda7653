{{ config(tags=['factors']) }}
-- Every superseded row exists, is of the same type and key, and ends where its successor begins; a
-- correction has the same first day and is published later.
select
    later.factor_file || '.csv' as file,
    later.factor_id as name,
    later.supersedes_id,
    case
        when earlier.factor_id is null then 'supersedes_id names no factor'
        when earlier.factor_type <> later.factor_type or earlier.key <> later.key
            then 'supersedes_id names a factor of another type or key'
        else 'the superseded row does not end where this one begins'
    end as reason
from {{ ref('int_factor_rows') }} as later
left join {{ ref('int_factor_rows') }} as earlier on later.supersedes_id = earlier.factor_id
where later.supersedes_id is not null
    and (
        earlier.factor_id is null
        or earlier.factor_type <> later.factor_type
        or earlier.key <> later.key
        or (
            coalesce(earlier.valid_to, date '9999-12-31') <> later.valid_from
            and not (earlier.valid_from = later.valid_from and earlier.published_at < later.published_at)
        )
    )
