-- Every use of the touched days found all its factors, under both lenses; a null here would be
-- energy left out.
{%- set lenses = {
    'restated': 'int_factors_applied_daily',
    'as reported': 'int_factors_applied_as_reported_daily',
} %}
{%- for lens, applied in lenses.items() %}
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
from {{ touched_rows(ref(applied), 'usage_date', 'day') }} as applied
where
    it_factor_ids is null
    or data_quality_score is null
    or factor_set_id is null
    {%- for term in factor_terms() %}
    or {{ term }}_high is null
    {%- endfor %}
    or cached_input_ratio_high is null
    or (
        energy_route like 'token%'
        and (model_output_high is null or model_input_high is null or model_context_high is null)
    )
    or (energy_route = 'call' and model_call_high is null)
    or (energy_route = 'unit' and unit_high is null)
group by
    org_id,
    provider,
    model,
    model_key,
    zone_id,
    pue_key,
    wue_key,
    water_zone_id
union all
{%- endfor %}
-- A use that found no row of factors at all.
select
    'restated' as lens,
    org_id,
    provider,
    model,
    model_key,
    zone_id,
    cast(null as string) as pue_key,
    cast(null as string) as wue_key,
    cast(null as string) as water_zone_id,
    count(*) as rows_without_factor
from {{ touched_rows(ref('usage_footprint_daily'), 'usage_date', 'day') }} as usage
where energy_high_kwh is null
group by org_id, provider, model, model_key, zone_id
