{{ config(tags=['audit']) }}
{%- set routes = ['measured', 'token_route', 'unit_route', 'call_route'] %}
-- Where there is energy it was found in exactly one way, and its model, if any, on one level.
select
    usage_date,
    org_id
from {{ ref('org_footprint_daily') }}
where
    energy_mid_kwh > 0
    and (
        abs(
            {%- for name in routes %}
            {{ name }}_energy_share +
            {%- endfor %}
            0e0 - 1e0
        ) > 1e-9
        or abs(
            {%- for level in range(1, 7) %}
            model_level_{{ level }}_energy_share +
            {%- endfor %}
            measured_energy_share - 1e0
        ) > 1e-9
    )
