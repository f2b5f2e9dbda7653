{{ config(alias='org_footprint_daily') }}
{{ as_reported_mart('org_footprint_daily', ['usage_date', 'org_id']) }}
