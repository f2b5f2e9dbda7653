-- Every usage of the touched days found all its factors; a null here would be energy left out.
select
    org_id,
    provider,
    model,
    model_key,
    zone_id,
    pue_key,
    wue_key,
    water_zone_id,
    count(*) as rows_without_factor
from {{ touched_rows(ref('usage_footprint_daily'), 'usage_date', 'day') }} as usage
where
    energy_high_kwh is null
    or water_high_l is null
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
