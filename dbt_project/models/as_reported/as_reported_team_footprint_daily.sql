{{ config(alias='team_footprint_daily') }}
{{ as_reported_mart('team_footprint_daily', ['usage_date', 'org_id', 'team_id']) }}
