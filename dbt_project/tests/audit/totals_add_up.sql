{{ config(tags=['audit']) }}
-- Each total is operational plus embodied of its own method; location and market are never summed.
select
    usage_date,
    org_id
from {{ ref('org_footprint_daily') }}
where
    {%- for s in scenarios() %}
    abs(water_{{ s }}_l - water_onsite_{{ s }}_l - water_offsite_{{ s }}_l) > 1e-9 * water_{{ s }}_l
    or
    {%- for name in ['location', 'market'] %}
    abs(
        co2e_total_{{ name }}_{{ s }}_kg - co2e_{{ name }}_{{ s }}_kg - co2e_embodied_{{ s }}_kg
    ) > 1e-9 * co2e_total_{{ name }}_{{ s }}_kg
    {{ 'or' if not loop.last }}
    {%- endfor %}
    {{ 'or' if not loop.last }}
    {%- endfor %}
    or energy_low_kwh > energy_mid_kwh
    or energy_mid_kwh > energy_high_kwh
