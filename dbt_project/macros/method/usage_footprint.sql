{#- The footprint of each day's usage, the base of all marts, under one of two lenses:
    restated     with all factors and mappings known by now,
    as_reported  with those known when the period was frozen; only periods since whose freeze
                 something became known, all others being the same under both. -#}

{#- Day a period is frozen: as recorded, else some days after the month's end. -#}
{% macro frozen_on(day) -%}
coalesce(
        freezes.frozen_on,
        cast({{ month_start(day) }} + interval 1 month + interval {{ var('period_freeze_days') | int }} day as date)
    )
{%- endmacro %}

{% macro factor(alias, factor_type, key) -%}
left join {{ ref('int_factors') }} as {{ alias }}
        on {{ alias }}.factor_type = {{ factor_type }} and {{ alias }}.key = {{ key }}
            and {{ in_force(alias) }}
{%- endmacro %}

{% macro usage_footprint(lens) %}
{%- set keys = ['usage_date', 'org_id', 'team_id', 'user_id', 'project_id', 'provider', 'model', 'region',
    'inference_geo', 'energy_route', 'unit_kind', 'is_batch_tier'] -%}
{%- set sums = ['calls', 'input_tokens', 'cached_input_tokens', 'output_tokens', 'output_context_product',
    'input_context_product', 'cached_context_product', 'units', 'metered_wh'] -%}
{#- Factors found by the first key that has one. -#}
{%- set chains = {
    'pue': ("'pue'", ['u.facility_key', 'u.provider_key']),
    'wue': ("'wue'", ['u.facility_key', 'u.provider_key']),
    'market': ("'grid_market'", ['u.facility_key', 'u.provider_key']),
    'ewif': ("'water_offsite'", ['u.zone_id', 'u.fallback_water_zone_id']),
    'ewif_without_hydro': ("'water_offsite_without_hydro'", ['u.zone_id', 'u.fallback_water_zone_id']),
} -%}
{%- set formulas = footprint_formulas() -%}
{%- set of_usage = [] -%}
{%- for key in keys -%}{%- do of_usage.append('u.' ~ key) -%}{%- endfor -%}
with daily as (
    select
        {%- for key in keys %}
        hours.{{ key }},
        {%- endfor %}
        coalesce(own.org_id, shared.org_id) as factor_org_id,
        {%- if lens == 'restated' %}
        {{ latest_knowledge() }} as known_on,
        {%- else %}
        {{ frozen_on('hours.usage_date') }} as known_on,
        {%- endif %}
        cast(sum(hours.events) as bigint) as events,
        {%- for name in sums %}
        sum(hours.{{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ touched(ref('int_usage_hourly'), 'usage_date', 'day') }} as hours
    inner join {{ ref('int_factor_scopes') }} as shared on shared.org_id = '*'
    left join {{ ref('int_factor_scopes') }} as own on hours.org_id = own.org_id
    {%- if lens == 'as_reported' %}
    left join {{ ref('stg_control_period_freezes') }} as freezes
        on hours.org_id = freezes.org_id and {{ month_start('hours.usage_date') }} = freezes.period_start
    where {{ frozen_on('hours.usage_date') }} < coalesce(own.latest_known_on, shared.latest_known_on)
    {%- endif %}
    group by
        {%- for key in keys %}
        hours.{{ key }},
        {%- endfor %}
        coalesce(own.org_id, shared.org_id){% if lens == 'as_reported' %},
        {{ frozen_on('hours.usage_date') }}{% endif %}
),

-- The model, the zone and the facility of each row.
placed as (
    select
        u.*,
        {{ hash64(of_usage) }} as usage_key,
        coalesce(u.team_id, users.team_id, 'unattributed') as placed_team_id,
        models.bare_name,
        models.provider_key,
        coalesce(own_model.model_key, models.model_key) as model_key,
        case when own_model.model_key is not null then 1 else models.model_fallback_level end as model_fallback_level,
        coalesce(
            regions.zone_id, countries.zone_id, named_zones.zone_id, models.default_zone_id
        ) as regional_zone_id,
        case
            when regions.zone_id is not null then regions.zone_fallback_level
            when coalesce(countries.zone_id, named_zones.zone_id) is not null then 3
            when models.default_zone_id <> 'WORLD' then 4
            else 5
        end as zone_fallback_level,
        regions.facility_key
    from daily as u
    left join {{ ref('int_models_resolved') }} as models
        on u.provider = models.provider and u.model = models.model and {{ known_on('models', 'u.known_on') }}
    -- A model that only the organisation's own figures know.
    left join {{ ref('int_model_energy') }} as own_model
        on models.bare_name = own_model.model_key and {{ in_force('own_model') }}
    left join {{ ref('int_provider_regions') }} as regions
        on models.provider_key = regions.provider and u.region = regions.region
            and {{ known_on('regions', 'u.known_on') }}
    left join {{ ref('countries') }} as countries on u.inference_geo = countries.country_code
    left join {{ ref('int_zones') }} as named_zones
        on u.inference_geo = named_zones.zone_id and {{ known_on('named_zones', 'u.known_on') }}
    left join {{ ref('stg_control_users') }} as users
        on u.org_id = users.org_id and u.user_id = users.user_id
),

zoned as (
    select
        placed.*,
        zones.fallback_water_zone_id,
        zones.zone_id
    from placed
    left join {{ ref('int_zones') }} as zones
        {% if var('us_grid_basis') == 'ember' -%}
        on case when placed.regional_zone_id like 'US-%' then 'USA' else placed.regional_zone_id end
            = zones.zone_id
        {%- else -%}
        on placed.regional_zone_id = zones.zone_id
        {%- endif %}
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
    left join {{ ref('int_method_parameters') }} as p on {{ in_force('p') }}
),

valued as (
    select
        u.*,
        m.valid_from as model_valid_from,
        g.valid_from as grid_valid_from,
        coalesce(f.key, d.key) as unit_key,
        {%- for name, (factor_type, places) in chains.items() %}
        coalesce({{ name }}_1.key, {{ name }}_2.key) as {{ name }}_key,
        {%- endfor %}
        case
            when u.energy_route = 'unit' then case when f.key is not null then 1 else 6 end
            else u.model_fallback_level
        end as found_model_level,
        {%- for s in scenarios() %}
        {{ it_kwh(s) }} as it_{{ s }},
        g.value_{{ s }} as location_{{ s }},
        embodied.value_{{ s }} as embodied_{{ s }},
        {%- for name in chains if name != 'market' %}
        coalesce({{ name }}_1.value_{{ s }}, {{ name }}_2.value_{{ s }}) as {{ name }}_{{ s }},
        {%- endfor %}
        coalesce(market_1.value_{{ s }}, market_2.value_{{ s }}, g.value_{{ s }}) as market_{{ s }},
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
        || case
            when p.overrides = 1
                or (m.overrides = 1 and (u.energy_route like 'token%' or u.energy_route = 'call'))
                {%- for alias in ['f', 'd', 'g', 'embodied'] %}
                or {{ alias }}.is_override
                {%- endfor %}
                {%- for name in chains %}
                or coalesce({{ name }}_1.is_override, {{ name }}_2.is_override)
                {%- endfor %} then ' with overrides'
            else ''
        end as factor_set_id
    from completed as u
    left join {{ ref('int_method_parameters') }} as p on {{ in_force('p') }}
    left join {{ ref('int_model_energy') }} as m on u.model_key = m.model_key and {{ in_force('m') }}
    {{ factor('f', 'u.unit_kind', 'u.bare_name') }}
    {{ factor('d', 'u.unit_kind', "'*'") }}
    {{ factor('g', "'grid_location'", 'u.zone_id') }}
    {{ factor('embodied', "'embodied'", "'*'") }}
    {%- for name, (factor_type, places) in chains.items() %}
    {{ factor(name ~ '_1', factor_type, places[0]) }}
    {{ factor(name ~ '_2', factor_type, places[1]) }}
    {%- endfor %}
)

select
    usage_date,
    usage_key,
    known_on,
    factor_org_id,
    org_id,
    placed_team_id as team_id,
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
    found_model_level as model_fallback_level,
    zone_fallback_level,
    ewif_key as water_zone_id,
    ewif_without_hydro_key as water_without_hydro_zone_id,
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
    {%- for stem, formula in formulas.items() %}
    {%- for s in scenarios() %}
    {{ in_scenario(formula.value, s) }} as {{ stem }}_{{ s }}_{{ formula.unit }},
    {%- endfor %}
    {%- endfor %}
    {{ as_double('least(energy_dq_score, grid_dq_score)') }} as data_quality_score,
    factor_set_id,
    '{{ var("method_version") }}' as method_version
from valued
{% endmacro %}
