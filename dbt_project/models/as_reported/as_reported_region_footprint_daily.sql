{{ config(alias='region_footprint_daily') }}
{{ as_reported_mart('region_footprint_daily', ['usage_date', 'org_id', 'provider', 'region', 'zone_id']) }}
