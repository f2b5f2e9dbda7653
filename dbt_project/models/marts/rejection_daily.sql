select
    received_date,
    org_id,
    code,
    cast(sum(rows_count) as bigint) as rejected
from {{ ref('int_loads_rolled_up') }}
where row_kind = 'rejects'
group by received_date, org_id, code
