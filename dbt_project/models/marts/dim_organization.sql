select
    org_id,
    name
from {{ ref('stg_control_organizations') }}
