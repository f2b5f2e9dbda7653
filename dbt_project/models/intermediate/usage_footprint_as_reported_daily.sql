{{ config(materialized='view', access='protected') }}
{{ usage_footprint(
    attributed_usage(local('int_usage_daily'), local('dim_user')),
    local('int_factors_applied_as_reported_daily'),
    usage_keys(),
    'inner'
) }}
