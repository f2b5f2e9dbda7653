{{ config(alias='user_footprint_daily') }}
{{ as_reported_mart('user_footprint_daily', ['usage_date', 'org_id', 'user_id', 'team_id']) }}
