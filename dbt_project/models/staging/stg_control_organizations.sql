select
    org_id,
    name
from {{ source('raw', 'control_organizations') }}
