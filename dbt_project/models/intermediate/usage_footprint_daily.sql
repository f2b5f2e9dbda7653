{{ config(
    materialized='incremental',
    incremental_strategy='partition_overwrite',
    on_schema_change='fail',
    access='protected',
    meta={'partition_column': 'usage_date', 'partition_grain': 'day'},
) }}

with daily as (
    select
        usage_date,
        org_id,
        team_id,
        user_id,
        project_id,
        provider,
        model,
        region,
        inference_geo,
        energy_route,
        unit_kind,
        is_batch_tier,
        cast(sum(events) as bigint) as events,
        sum(calls) as calls,
        sum(input_tokens) as input_tokens,
        sum(cached_input_tokens) as cached_input_tokens,
        sum(output_tokens) as output_tokens,
        sum(output_context_product) as output_context_product,
        sum(input_context_product) as input_context_product,
        sum(cached_context_product) as cached_context_product,
        sum(units) as units,
        sum(metered_wh) as metered_wh
    from {{ touched(ref('int_usage_hourly'), 'usage_date', 'day') }} as hours
    group by
        usage_date,
        org_id,
        team_id,
        user_id,
        project_id,
        provider,
        model,
        region,
        inference_geo,
        energy_route,
        unit_kind,
        is_batch_tier
),

placed as (
    select
        daily.usage_date,
        daily.org_id,
        coalesce(daily.team_id, users.team_id, 'unattributed') as team_id,
        daily.user_id,
        daily.project_id,
        daily.provider,
        daily.model,
        daily.region,
        daily.energy_route,
        daily.unit_kind,
        daily.is_batch_tier,
        daily.events,
        daily.calls,
        daily.input_tokens,
        daily.cached_input_tokens,
        daily.output_tokens,
        daily.output_context_product,
        daily.input_context_product,
        daily.cached_context_product,
        daily.units,
        daily.metered_wh,
        models.bare_name,
        models.model_key,
        models.model_fallback_level,
        coalesce(
            regions.zone_id, countries.zone_id, named_zones.zone_id, defaults.default_zone_id
        ) as regional_zone_id,
        case
            when regions.zone_id is not null then regions.zone_fallback_level
            when coalesce(countries.zone_id, named_zones.zone_id) is not null then 3
            when defaults.default_zone_id <> 'WORLD' then 4
            else 5
        end as zone_fallback_level,
        coalesce(regions.pue_key, models.provider_key) as pue_key,
        coalesce(regions.wue_key, models.provider_key) as wue_key,
        coalesce(regions.market_key, models.provider_key) as market_key
    from daily
    inner join {{ ref('int_models_resolved') }} as models
        on daily.provider = models.provider and daily.model = models.model
    inner join {{ ref('provider_defaults') }} as defaults
        on models.provider_key = defaults.provider
    left join {{ ref('int_provider_regions') }} as regions
        on models.provider_key = regions.provider and daily.region = regions.region
    left join {{ ref('countries') }} as countries on daily.inference_geo = countries.country_code
    left join {{ ref('int_zones') }} as named_zones on daily.inference_geo = named_zones.zone_id
    left join {{ ref('stg_control_users') }} as users
        on daily.org_id = users.org_id and daily.user_id = users.user_id
),

zoned as (
    select
        placed.*,
        {% if var('us_grid_basis') == 'ember' -%}
        case when placed.regional_zone_id like 'US-%' then 'USA' else placed.regional_zone_id end
        {%- else -%}
        placed.regional_zone_id
        {%- endif %} as zone_id
    from placed
),

completed as (
    -- The reference call stands in for the side of a call that was not reported.
    select
        u.*,
        {{ output_tokens() }} as full_output_tokens,
        {{ output_context_product() }} as full_output_context_product,
        {{ fresh_tokens() }} as full_input_tokens,
        {{ fresh_context_product() }} as full_input_context_product
    from zoned as u
    left join {{ ref('int_method_parameters') }} as p on {{ as_of('p', 'u.usage_date') }}
),

valued as (
    select
        u.usage_date,
        u.org_id,
        u.team_id,
        u.user_id,
        u.project_id,
        u.provider,
        u.model,
        u.region,
        u.zone_id,
        u.energy_route,
        u.unit_kind,
        u.is_batch_tier,
        u.model_key,
        u.zone_fallback_level,
        zones.water_zone_id,
        zones.water_without_hydro_zone_id,
        u.pue_key,
        u.wue_key,
        case when market.key is not null then u.market_key end as market_key,
        m.valid_from as model_valid_from,
        g.valid_from as grid_valid_from,
        u.events,
        u.calls,
        u.input_tokens,
        u.cached_input_tokens,
        u.output_tokens,
        coalesce(f.key, d.key) as unit_key,
        case
            when u.energy_route = 'unit' then case when f.key is not null then 1 else 6 end
            else u.model_fallback_level
        end as model_fallback_level,
        {%- for s in scenarios() %}
        {{ it_kwh(s) }} as it_kwh_{{ s }},
        pue.value_{{ s }} as pue_{{ s }},
        wue.value_{{ s }} as wue_{{ s }},
        water.value_{{ s }} as ewif_{{ s }},
        dry.value_{{ s }} as ewif_without_hydro_{{ s }},
        g.value_{{ s }} as location_{{ s }},
        coalesce(market.value_{{ s }}, g.value_{{ s }}) as market_{{ s }},
        embodied.value_{{ s }} as embodied_{{ s }},
        {%- endfor %}
        case
            when u.energy_route in ('cache_hit', 'measured', 'no_inference') then 5
            when u.energy_route = 'reported' then 4
            when u.energy_route = 'unit' then coalesce(f.dq_score, d.dq_score)
            when u.model_fallback_level >= 5 then 1
            when u.model_fallback_level = 4 then least(m.dq_score, 1)
            when u.energy_route in ('call', 'token_input_only', 'token_output_only') then least(m.dq_score, 2)
            when u.model_fallback_level = 3 then least(m.dq_score, 2)
            else m.dq_score
        end as energy_dq_score,
        case when u.zone_fallback_level >= 4 then least(g.dq_score, 2) else g.dq_score end as grid_dq_score,
        p.factor_set_id
    from completed as u
    left join {{ ref('int_method_parameters') }} as p on {{ as_of('p', 'u.usage_date') }}
    left join {{ ref('int_zones') }} as zones on u.zone_id = zones.zone_id
    left join {{ ref('int_model_energy') }} as m
        on u.model_key = m.model_key and {{ as_of('m', 'u.usage_date') }}
    left join {{ ref('int_factors') }} as f
        on u.unit_kind = f.factor_type and u.bare_name = f.key and {{ as_of('f', 'u.usage_date') }}
    left join {{ ref('int_factors') }} as d
        on u.unit_kind = d.factor_type and d.key = '*' and {{ as_of('d', 'u.usage_date') }}
    left join {{ ref('int_factors') }} as g
        on g.factor_type = 'grid_location' and u.zone_id = g.key and {{ as_of('g', 'u.usage_date') }}
    left join {{ ref('int_factors') }} as market
        on market.factor_type = 'grid_market' and u.market_key = market.key
            and {{ as_of('market', 'u.usage_date') }}
    left join {{ ref('int_factors') }} as water
        on water.factor_type = 'water_offsite' and zones.water_zone_id = water.key
            and {{ as_of('water', 'u.usage_date') }}
    left join {{ ref('int_factors') }} as dry
        on dry.factor_type = 'water_offsite_without_hydro'
            and zones.water_without_hydro_zone_id = dry.key and {{ as_of('dry', 'u.usage_date') }}
    left join {{ ref('int_factors') }} as pue
        on pue.factor_type = 'pue' and u.pue_key = pue.key and {{ as_of('pue', 'u.usage_date') }}
    left join {{ ref('int_factors') }} as wue
        on wue.factor_type = 'wue' and u.wue_key = wue.key and {{ as_of('wue', 'u.usage_date') }}
    left join {{ ref('int_factors') }} as embodied
        on embodied.factor_type = 'embodied' and embodied.key = '*'
            and {{ as_of('embodied', 'u.usage_date') }}
)

select
    usage_date,
    org_id,
    team_id,
    user_id,
    project_id,
    provider,
    model,
    region,
    zone_id,
    energy_route,
    unit_kind,
    is_batch_tier,
    model_key,
    unit_key,
    model_fallback_level,
    zone_fallback_level,
    water_zone_id,
    water_without_hydro_zone_id,
    pue_key,
    wue_key,
    market_key,
    coalesce(usage_date < model_valid_from, false) as is_model_backcast,
    coalesce(usage_date < grid_valid_from, false) as is_grid_backcast,
    events,
    calls,
    input_tokens,
    cached_input_tokens,
    output_tokens,
    {%- for s in scenarios() %}
    it_kwh_{{ s }} as it_energy_{{ s }}_kwh,
    {%- endfor %}
    {%- for s in scenarios() %}
    it_kwh_{{ s }} * pue_{{ s }} as energy_{{ s }}_kwh,
    {%- endfor %}
    {%- for s in scenarios() %}
    it_kwh_{{ s }} * wue_{{ s }} as water_onsite_{{ s }}_l,
    {%- endfor %}
    {%- for s in scenarios() %}
    it_kwh_{{ s }} * pue_{{ s }} * ewif_{{ s }} as water_offsite_{{ s }}_l,
    {%- endfor %}
    {%- for s in scenarios() %}
    it_kwh_{{ s }} * wue_{{ s }} + it_kwh_{{ s }} * pue_{{ s }} * ewif_{{ s }} as water_{{ s }}_l,
    {%- endfor %}
    {%- for s in scenarios() %}
    it_kwh_{{ s }} * pue_{{ s }} * ewif_without_hydro_{{ s }} as water_offsite_without_hydro_{{ s }}_l,
    {%- endfor %}
    {%- for s in scenarios() %}
    it_kwh_{{ s }} * pue_{{ s }} * location_{{ s }} / 1e3 as co2e_location_{{ s }}_kg,
    {%- endfor %}
    {%- for s in scenarios() %}
    it_kwh_{{ s }} * pue_{{ s }} * market_{{ s }} / 1e3 as co2e_market_{{ s }}_kg,
    {%- endfor %}
    {%- for s in scenarios() %}
    it_kwh_{{ s }} * embodied_{{ s }} / 1e3 as co2e_embodied_{{ s }}_kg,
    {%- endfor %}
    {%- for name in ['location', 'market'] %}
    {%- for s in scenarios() %}
    it_kwh_{{ s }} * pue_{{ s }} * {{ name }}_{{ s }} / 1e3
    + it_kwh_{{ s }} * embodied_{{ s }} / 1e3 as co2e_total_{{ name }}_{{ s }}_kg,
    {%- endfor %}
    {%- endfor %}
    {{ as_double('least(energy_dq_score, grid_dq_score)') }} as data_quality_score,
    factor_set_id,
    '{{ var("method_version") }}' as method_version
from valued
