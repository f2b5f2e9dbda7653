{{ config(alias='source_footprint_daily') }}
{{ as_reported_mart('source_footprint_daily', ['usage_date', 'org_id', 'source']) }}
