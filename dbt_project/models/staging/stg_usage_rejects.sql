select
    org_id,
    rejection_id,
    received_at,
    code,
    _dlt_load_id as load_id
from {{ source('raw', 'usage_rejects') }}
