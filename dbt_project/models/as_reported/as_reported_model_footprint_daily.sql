{{ config(alias='model_footprint_daily') }}
{{ as_reported_mart('model_footprint_daily', ['usage_date', 'org_id', 'provider', 'model']) }}
