{#- (factor types, column of usage holding the factor's key, when it was used) -#}
{%- set uses = [
    (['model_output', 'model_input', 'model_context'], 'model_key', "energy_route like 'token%'"),
    (['model_call'], 'model_key', "energy_route = 'call'"),
    (['grid_location'], 'zone_id', '1 = 1'),
    (['grid_market'], 'market_key', 'market_key is not null'),
    (['water_offsite'], 'water_zone_id', '1 = 1'),
    (['water_offsite_without_hydro'], 'water_without_hydro_zone_id', '1 = 1'),
    (['pue'], 'pue_key', '1 = 1'),
    (['wue'], 'wue_key', '1 = 1'),
    (['embodied'], "'*'", '1 = 1'),
    (['method_parameter'], none, "energy_route like 'token%' or is_batch_tier"),
] %}

with usage as (
    select
        usage_date,
        org_id,
        energy_route,
        unit_kind,
        is_batch_tier,
        model_key,
        unit_key,
        zone_id,
        water_zone_id,
        water_without_hydro_zone_id,
        pue_key,
        wue_key,
        market_key,
        sum(energy_mid_kwh) as energy_mid_kwh
    from {{ ref('usage_footprint_daily') }}
    where energy_route not in ('cache_hit', 'no_inference')
    group by
        usage_date,
        org_id,
        energy_route,
        unit_kind,
        is_batch_tier,
        model_key,
        unit_key,
        zone_id,
        water_zone_id,
        water_without_hydro_zone_id,
        pue_key,
        wue_key,
        market_key
),

used as (
    {%- for types, key, condition in uses %}
    select
        usage.org_id,
        factors.factor_id,
        usage.energy_mid_kwh
    from usage
    inner join {{ ref('int_factors') }} as factors
        on factors.factor_type in ('{{ types | join("', '") }}')
            {%- if key %}
            and factors.key = {{ key if key.startswith("'") else 'usage.' ~ key }}
            {%- endif %}
            and {{ as_of('factors', 'usage.usage_date') }}
    where {{ condition }}
    union all
    {%- endfor %}
    select
        usage.org_id,
        factors.factor_id,
        usage.energy_mid_kwh
    from usage
    inner join {{ ref('int_factors') }} as factors
        on usage.unit_kind = factors.factor_type
            and usage.unit_key = factors.key
            and {{ as_of('factors', 'usage.usage_date') }}
    where usage.energy_route = 'unit'
),

summed as (
    select
        org_id,
        factor_id,
        sum(energy_mid_kwh) as energy_mid_kwh
    from used
    group by org_id, factor_id
)

select
    summed.org_id,
    factors.factor_id,
    factors.factor_type,
    factors.key,
    factors.value_low,
    factors.value_mid,
    factors.value_high,
    factors.unit,
    factors.basis,
    factors.data_year,
    factors.valid_from,
    factors.source,
    factors.source_url,
    factors.licence,
    factors.dq_score,
    factors.factor_set_id,
    summed.energy_mid_kwh
from summed
inner join {{ ref('int_factors') }} as factors on summed.factor_id = factors.factor_id
