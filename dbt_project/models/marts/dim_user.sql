select
    users.org_id,
    users.user_id,
    users.display_name,
    coalesce(users.team_id, 'unattributed') as team_id,
    teams.name as team_name
from {{ ref('stg_control_users') }} as users
left join {{ ref('stg_control_teams') }} as teams
    on users.org_id = teams.org_id and users.team_id = teams.team_id
