{#- The factors that the uses of a day take, under one of two lenses:
    restated     with all factors and mappings known by now,
    as_reported  with those known when the period was frozen; only periods since whose freeze
                 something became known, all others being the same under both. -#}

{#- Day a period is frozen: as recorded, else some days after the month's end. -#}
{% macro frozen_on(day) -%}
coalesce(
        freezes.frozen_on,
        cast({{ month_start(day) }} + interval 1 month + interval {{ (var('period_freeze_days') | int) - 1 }} day as date)
    )
{%- endmacro %}

{% macro factor(alias, factor_type, key) -%}
left join {{ ref('int_factors') }} as {{ alias }}
        on {{ alias }}.factor_type = {{ factor_type }} and {{ alias }}.key = {{ key }}
            and {{ in_force(alias) }}
{%- endmacro %}

{#- Key of a zone's figures in a set of Electricity Maps; its zones are not those of the marts. -#}
{% macro electricity_maps_key(zone) -%}'em:' || {{ zone }}{%- endmacro %}

{#- A column of the first of several factors that was found. -#}
{% macro first_of(aliases, column) -%}
coalesce({% for alias in aliases %}{{ alias }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro factors_applied(lens) %}
{%- set terms = ['model_output', 'model_context', 'model_input', 'model_call'] -%}
{%- set parameters = ['cached_input_ratio', 'batch_tier_factor', 'attention_context_tokens'] -%}
{#- Factors found by the first key that has one: term: (factor type, keys, name of the key). -#}
{%- set chains = {
    'pue': ("'pue'", ['u.facility_key', 'u.provider_key'], 'pue_key'),
    'wue': ("'wue'", ['u.facility_key', 'u.provider_key'], 'wue_key'),
    'ewif': ("'water_offsite'", ['u.zone_id', 'u.fallback_water_zone_id'], 'water_zone_id'),
    'ewif_without_hydro': ("'water_offsite_without_hydro'", ['u.zone_id', 'u.fallback_water_zone_id'],
        'water_without_hydro_zone_id'),
    'market': ("'grid_market'", ['u.facility_key', 'u.provider_key'], 'market_key'),
} -%}
{#- Grid intensity: of a set of Electricity Maps the user added, for the zone of the cloud region, else
    for the country; otherwise, or if the organisation has an own figure for it, of the zone. -#}
{%- set electricity_maps = {
    'g_region': 'u.electricity_maps_zone_id',
    'g_country': 'u.country_code',
} -%}
{%- set grid = (electricity_maps | list) + ['g'] -%}
{%- set modelled = "(u.energy_route like 'token%' or u.energy_route in ('call', 'unit'))" -%}
with profiles as (
    select distinct
        usage_date,
        org_id,
        profile_key,
        {{ profile_columns() | join(',\n        ') }}
    from {{ touched(ref('int_usage_daily'), 'usage_date', 'day') }} as daily
),

known as (
    select
        profiles.*,
        coalesce(own.org_id, shared.org_id) as factor_org_id,
        {%- if lens == 'restated' %}
        {{ latest_knowledge() }} as known_on
        {%- else %}
        {{ frozen_on('profiles.usage_date') }} as known_on
        {%- endif %}
    from profiles
    inner join {{ ref('int_factor_scopes') }} as shared on shared.org_id = '*'
    left join {{ ref('int_factor_scopes') }} as own on profiles.org_id = own.org_id
    {%- if lens == 'as_reported' %}
    left join {{ ref('stg_control_period_freezes') }} as freezes
        on profiles.org_id = freezes.org_id and {{ month_start('profiles.usage_date') }} = freezes.period_start
    where {{ frozen_on('profiles.usage_date') }} < coalesce(own.latest_known_on, shared.latest_known_on)
    {%- endif %}
),

-- The model, the zone and the facility of each row.
placed as (
    select
        u.*,
        models.bare_name,
        models.provider_key,
        coalesce(own_model.model_key, models.model_key) as model_key,
        case when own_model.model_key is not null then 1 else models.model_fallback_level end as named_model_level,
        coalesce(
            regions.zone_id, countries.zone_id, named_zones.zone_id, models.default_zone_id
        ) as regional_zone_id,
        case
            when regions.zone_id is not null then regions.zone_fallback_level
            when coalesce(countries.zone_id, named_zones.zone_id) is not null then 3
            when models.default_zone_id <> 'WORLD' then 4
            else 5
        end as zone_fallback_level,
        regions.electricity_maps_zone_id,
        regions.facility_key
    from known as u
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
),

-- Optional sets among the factors, by day of knowledge.
optional_sets as (
    select
        days.known_on,
        {{ list_of('sets.factor_set_id', ' + ') }} as factor_set_ids
    from (select distinct known_on from known) as days
    inner join (
        select
            factor_set_id,
            min(published_at) as known_from
        from {{ ref('int_optional_factors') }}
        group by factor_set_id
    ) as sets on days.known_on >= sets.known_from
    group by days.known_on
),

zoned as (
    select
        placed.*,
        optional_sets.factor_set_ids as optional_set_ids,
        zones.zone_id,
        zones.country_code,
        zones.fallback_water_zone_id
    from placed
    left join optional_sets on placed.known_on = optional_sets.known_on
    left join {{ ref('int_zones') }} as zones
        {% if var('us_grid_basis') == 'ember' -%}
        on case when placed.regional_zone_id like 'US-%' then 'USA' else placed.regional_zone_id end
            = zones.zone_id
        {%- else -%}
        on placed.regional_zone_id = zones.zone_id
        {%- endif %}
)

select
    u.usage_date,
    u.org_id,
    u.profile_key,
    {%- for name in profile_columns() %}
    u.{{ name }},
    {%- endfor %}
    u.known_on,
    u.model_key,
    coalesce(f.key, d.key) as unit_key,
    case
        when u.energy_route = 'unit' then case when f.key is not null then 1 else 6 end
        else u.named_model_level
    end as model_fallback_level,
    u.zone_id,
    u.zone_fallback_level,
    {%- for name, (factor_type, keys, key_name) in chains.items() %}
    coalesce({{ name }}_1.key, {{ name }}_2.key) as {{ key_name }},
    {%- endfor %}
    coalesce(u.usage_date < m.valid_from, false) as is_model_backcast,
    coalesce(u.usage_date < {{ first_of(grid, 'valid_from') }}, false) as is_grid_backcast,
    {%- for s in scenarios() %}
    {%- for name in terms %}
    m.{{ name }}_{{ s }},
    {%- endfor %}
    coalesce(f.value_{{ s }}, d.value_{{ s }}) as unit_{{ s }},
    {%- for name in parameters %}
    p.{{ name }}_{{ s }},
    {%- endfor %}
    {%- for name in chains if name != 'market' %}
    coalesce({{ name }}_1.value_{{ s }}, {{ name }}_2.value_{{ s }}) as {{ name }}_{{ s }},
    {%- endfor %}
    {{ first_of(grid, 'value_' ~ s) }} as location_{{ s }},
    {{ first_of(['market_1', 'market_2'] + grid, 'value_' ~ s) }} as market_{{ s }},
    embodied.value_{{ s }} as embodied_{{ s }},
    {%- endfor %}
    p.reference_input_tokens_mid as reference_input_tokens,
    p.reference_output_tokens_mid as reference_output_tokens,
    coalesce(f.unit, d.unit, '') as unit_of_unit,
    concat_ws(
        ', ',
        case when u.energy_route like 'token%' then m.model_output_factor_id end,
        case when u.energy_route like 'token%' then m.model_input_factor_id end,
        case when u.energy_route like 'token%' then m.model_context_factor_id end,
        case when u.energy_route = 'call' then m.model_call_factor_id end,
        case when u.energy_route = 'unit' then coalesce(f.factor_id, d.factor_id) end,
        case when u.energy_route like 'token%' then p.cached_input_ratio_factor_id end,
        case when u.energy_route like 'token%' then p.attention_context_tokens_factor_id end,
        case when u.energy_route = 'token_output_only' then p.reference_input_tokens_factor_id end,
        case when u.energy_route = 'token_input_only' then p.reference_output_tokens_factor_id end,
        case when u.is_batch_tier and {{ modelled }} then p.batch_tier_factor_factor_id end
    ) as it_factor_ids,
    {%- for name in chains if name != 'market' %}
    coalesce({{ name }}_1.factor_id, {{ name }}_2.factor_id) as {{ name }}_factor_ids,
    {%- endfor %}
    {{ first_of(grid, 'factor_id') }} as location_factor_ids,
    {{ first_of(['market_1', 'market_2'] + grid, 'factor_id') }} as market_factor_ids,
    embodied.factor_id as embodied_factor_ids,
    {{ as_double('least(' ~ energy_dq_score() ~ ', ' ~ grid_dq_score(first_of(grid, 'dq_score')) ~ ')') }} as data_quality_score,
    sets.factor_set_id
    || coalesce(' + ' || u.optional_set_ids, '')
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
    end as factor_set_id,
    '{{ var("method_version") }}' as method_version
from zoned as u
left join {{ ref('int_factor_sets') }} as sets on {{ known_on('sets', 'u.known_on') }}
left join {{ ref('int_method_parameters') }} as p on {{ in_force('p') }}
left join {{ ref('int_model_energy') }} as m on u.model_key = m.model_key and {{ in_force('m') }}
{{ factor('f', 'u.unit_kind', 'u.bare_name') }}
{{ factor('d', 'u.unit_kind', "'*'") }}
{{ factor('g', "'grid_location'", 'u.zone_id') }}
{%- for alias, zone in electricity_maps.items() %}
{%- set key = 'case when g.is_override is not true then ' ~ electricity_maps_key(zone) ~ ' end' %}
{{ factor(alias, "'grid_location'", key) }}
    -- No reaching back, for the zone has earlier figures.
    and {{ alias }}.valid_from <= u.usage_date
{%- endfor %}
{{ factor('embodied', "'embodied'", "'*'") }}
{%- for name, (factor_type, keys, key_name) in chains.items() %}
{{ factor(name ~ '_2', factor_type, keys[1]) }}
{{ factor(name ~ '_1', factor_type, keys[0]) }}
    {%- if 'u.provider_key' in keys %}
    -- An own figure for the provider comes before a shared one for the region. A comparison, not an
    -- "or": engines hash a join only if every condition of it is one.
    and {{ name }}_1.is_override >= coalesce({{ name }}_2.is_override, false)
    {%- endif %}
{%- endfor %}
{% endmacro %}

{#- Data quality of the energy and of the grid of a row, 1 to 5. -#}
{% macro energy_dq_score() -%}
case
            when u.energy_route in ('cache_hit', 'measured', 'no_inference') then 5
            when u.energy_route = 'reported' then 4
            when u.energy_route = 'unit' then coalesce(f.dq_score, d.dq_score)
            when u.named_model_level >= 5 then 1
            when u.named_model_level = 4 then least(m.dq_score, 1)
            when u.energy_route in ('call', 'token_input_only', 'token_output_only') then least(m.dq_score, 2)
            when u.named_model_level = 3 then least(m.dq_score, 2)
            else m.dq_score
        end
{%- endmacro %}

{% macro grid_dq_score(score) -%}
case when u.zone_fallback_level >= 4 then least({{ score }}, 2) else {{ score }} end
{%- endmacro %}
