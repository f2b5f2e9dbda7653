select
    org_id,
    team_id,
    name
from {{ ref('stg_control_teams') }}
