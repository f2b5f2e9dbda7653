{{ config(materialized='view', access='protected') }}
{#- A view, so that a new factor costs nothing for years of frozen months. It travels inside the
    published file, hence no catalog name in it. -#}
{{ usage_footprint(
    local('int_usage_daily'), local('int_factors_applied_as_reported_daily'), local('dim_user'), 'inner'
) }}
