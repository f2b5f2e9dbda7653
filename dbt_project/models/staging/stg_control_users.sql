select
    org_id,
    user_id,
    display_name,
    team_id
from {{ source('raw', 'control_users') }}
