-- Every usage of the touched days found all its factors, under both lenses; a null here would be
-- energy left out.
{%- for lens, base in [('restated', 'usage_footprint_daily'), ('as reported', 'usage_footprint_as_reported_daily')] %}
select
    '{{ lens }}' as lens,
    org_id,
    provider,
    model,
    model_key,
    zone_id,
    pue_key,
    wue_key,
    water_zone_id,
    count(*) as rows_without_factor
from {{ touched_rows(ref(base), 'usage_date', 'day') }} as usage
where
    energy_high_kwh is null
    or water_high_l is null
    or water_offsite_without_hydro_high_l is null
    or co2e_total_location_high_kg is null
    or co2e_total_market_high_kg is null
    or data_quality_score is null
    or factor_set_id is null
group by
    org_id,
    provider,
    model,
    model_key,
    zone_id,
    pue_key,
    wue_key,
    water_zone_id
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
