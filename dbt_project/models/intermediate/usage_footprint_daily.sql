{{ config(materialized='view', access='protected') }}
{#- A view: the marts sum before they multiply. It travels inside the published file, hence no catalog
    name in it. -#}
{{ usage_footprint(
    attributed_usage(local('int_usage_daily'), local('dim_user')),
    local('int_factors_applied_daily'),
    usage_keys()
) }}
