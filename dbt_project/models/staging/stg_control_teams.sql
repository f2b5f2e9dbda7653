select
    org_id,
    team_id,
    name
from {{ source('raw', 'control_teams') }}
