{#- mart.explain(...): the parts a cell of a footprint mart consists of, computed anew from the hourly
    sums and the factor rows, each with its formula, numbers and factor ids. A table macro, so that it
    costs no storage and travels inside the published file; hence no catalog name anywhere in it. -#}

{% macro create_explain() %}{{ return(adapter.dispatch('create_explain', 'ecomind')()) }}{% endmacro %}

{#- Only DuckDB files are published. -#}
{% macro default__create_explain() %}{{ return('') }}{% endmacro %}

{% macro duckdb__create_explain() %}
create or replace macro mart.explain(
    of_org, of_day, of_metric,
    of_team := null, of_user := null, of_provider := null, of_model := null, of_region := null,
    of_zone := null, of_lens := 'restated'
) as table (
{{ explanation() }}
)
{% endmacro %}

{% macro local(model) %}{{ return(ref(model).include(database=false)) }}{% endmacro %}

{% macro explained_factor(alias, factor_type, key) -%}
left join {{ local('int_factors') }} as {{ alias }}
        on {{ alias }}.factor_type = {{ factor_type }} and {{ alias }}.key = {{ key }}
            and {{ in_force(alias) }}
{%- endmacro %}

{% macro explanation() %}
{%- set of_usage = ['provider', 'model', 'region', 'energy_route', 'unit_kind', 'is_batch_tier'] -%}
{%- set of_place = ['zone_id', 'model_key', 'unit_key', 'model_fallback_level', 'zone_fallback_level',
    'water_zone_id', 'water_without_hydro_zone_id', 'pue_key', 'wue_key', 'market_key',
    'is_model_backcast', 'is_grid_backcast', 'factor_org_id', 'known_on', 'factor_set_id', 'method_version'] -%}
{%- set sums = ['events', 'calls', 'input_tokens', 'cached_input_tokens', 'output_tokens',
    'output_context_product', 'input_context_product', 'cached_context_product', 'units', 'metered_wh'] -%}
{%- set single = single_factor_terms() -%}
{%- set formulas = footprint_formulas() -%}
with metric as (
    select * from {{ this.include(database=false) }} where metric = of_metric
),

reported as (
    select {{ (of_usage + of_place) | join(', ') }}
    from {{ local('usage_footprint_as_reported_daily') }}
    where of_lens = 'as_reported' and org_id = of_org and usage_date = of_day
),

-- What base rows were resolved to; the base has the result, the hours have the sums. A day that is
-- not in the base of what was reported is the same under both lenses.
resolved as (
    select distinct *
    from (
        select * from reported
        union all
        select {{ (of_usage + of_place) | join(', ') }}
        from {{ local('usage_footprint_daily') }}
        where org_id = of_org and usage_date = of_day and not exists (select 1 from reported)
    ) as of_day_and_lens
    where of_zone is null or zone_id = of_zone
),

named_places as (
    select
        country_code as inference_geo,
        zone_id
    from {{ local('countries') }}
    union all
    select
        zone_id as inference_geo,
        zone_id
    from {{ local('int_zones') }}
    where zone_id not in (select country_code from {{ local('countries') }})
),

hours as (
    select
        hours.usage_date,
        {%- for name in of_usage %}
        hours.{{ name }},
        {%- endfor %}
        {% if var('us_grid_basis') == 'ember' -%}
        case when named_places.zone_id like 'US-%' then 'USA' else named_places.zone_id end
        {%- else -%}
        named_places.zone_id
        {%- endif %} as named_zone_id,
        {%- for name in sums %}
        hours.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ local('int_usage_hourly') }} as hours
    left join named_places on hours.inference_geo = named_places.inference_geo
    left join {{ local('dim_user') }} as users
        on hours.org_id = users.org_id and hours.user_id = users.user_id
    where hours.org_id = of_org and hours.usage_date = of_day
        and (of_team is null or coalesce(hours.team_id, users.team_id, 'unattributed') = of_team)
        {%- for name in ['user_id', 'provider', 'model', 'region'] %}
        and (of_{{ name | replace('_id', '') }} is null or hours.{{ name }} = of_{{ name | replace('_id', '') }})
        {%- endfor %}
),

u as (
    -- A region decides the place; without one the named place does, and without that a default.
    select
        hours.usage_date,
        {%- for name in of_usage + of_place %}
        resolved.{{ name }},
        {%- endfor %}
        {%- for name in sums %}
        sum(hours.{{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from hours
    inner join resolved
        on {% for name in of_usage %}hours.{{ name }} = resolved.{{ name }} and {% endfor %}
            (
                resolved.zone_fallback_level <= 2
                or (resolved.zone_fallback_level = 3 and resolved.zone_id = hours.named_zone_id)
                or (resolved.zone_fallback_level >= 4 and hours.named_zone_id is null)
            )
    group by all
),

completed as (
    select
        u.*,
        row_number() over () as part,
        {{ output_tokens() }} as full_output_tokens,
        {{ output_context_product() }} as full_output_context_product,
        {{ fresh_tokens() }} as full_input_tokens,
        {{ fresh_context_product() }} as full_input_context_product
    from u
    left join {{ local('int_method_parameters') }} as p on {{ in_force('p') }}
),

cited as (
    select
        part,
        list(factor_id order by factor_type, factor_id) as it_ids
    from ({{ it_energy_factors('completed', ['part'], local('int_factors')) }}) as it_energy_factors
    group by part
),

valued as (
    {%- for s in scenarios() %}
    select
        u.*,
        '{{ s }}' as scenario,
        {{ it_kwh(s) }} as it,
        {%- for name in ['model_output', 'model_input', 'model_context', 'model_call'] %}
        m.{{ name }}_{{ s }} as {{ name }},
        {%- endfor %}
        {%- for name in ['cached_input_ratio', 'attention_context_tokens', 'batch_tier_factor'] %}
        p.{{ name }}_{{ s }} as {{ name }},
        {%- endfor %}
        p.reference_input_tokens_mid as reference_input_tokens,
        p.reference_output_tokens_mid as reference_output_tokens,
        coalesce(f.value_{{ s }}, d.value_{{ s }}) as unit_factor,
        coalesce(f.unit, d.unit) as unit_of_factor,
        {%- for name, use in single.items() %}
        {%- if use.otherwise %}
        coalesce({{ name }}.value_{{ s }}, {{ use.otherwise }}.value_{{ s }}) as {{ name }},
        [coalesce({{ name }}.factor_id, {{ use.otherwise }}.factor_id)] as {{ name }}_ids,
        {%- else %}
        {{ name }}.value_{{ s }} as {{ name }},
        [{{ name }}.factor_id] as {{ name }}_ids,
        {%- endif %}
        {%- endfor %}
        coalesce(cited.it_ids, []) as it_ids
    from completed as u
    left join {{ local('int_method_parameters') }} as p on {{ in_force('p') }}
    left join {{ local('int_model_energy') }} as m
        on u.model_key = m.model_key and {{ in_force('m') }}
    {{ explained_factor('f', 'u.unit_kind', 'u.unit_key') }}
    {{ explained_factor('d', 'u.unit_kind', "'*'") }}
    {%- for name, use in single.items() %}
    {{ explained_factor(name, "'" ~ use.type ~ "'", use.key if use.key.startswith("'") else 'u.' ~ use.key) }}
    {%- endfor %}
    left join cited on u.part = cited.part
    where (select metric.scenario from metric) = '{{ s }}'
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

worded as (
    select
        valued.*,
        is_batch_tier and (energy_route like 'token%' or energy_route in ('call', 'unit')) as is_discounted,
        case when is_discounted then 'batch factor x ' else '' end as batch_words,
        case when is_discounted then format('{:.6g} x ', batch_tier_factor) else '' end as batch_number
    from valued
)

select
    {{ (of_usage + of_place + sums) | join(',\n    ') }},
    {{ model_level_in_words() }} as model_found_by,
    {{ zone_level_in_words() }} as zone_found_by,
    market_key is null as is_market_fallback,
    it as it_energy_kwh,
    case metric.stem
        {%- for stem, formula in formulas.items() %}
        when '{{ stem }}' then {{ formula.value }}
        {%- endfor %}
    end as value,
    {{ assumptions_in_words() }} as assumptions,
    list_concat([{{ it_energy_with_numbers() }}], case
        when energy_route in ('cache_hit', 'no_inference') then []
        {%- for stem, formula in formulas.items() if stem != 'it_energy' %}
        when metric.stem = '{{ stem }}' then [{% for before in formula.after %}{{ formula_with_numbers(before) }}, {% endfor %}
            {{- formula_with_numbers(stem) }}]
        {%- endfor %}
        else []
    end) as steps,
    case
        when energy_route in ('cache_hit', 'no_inference') then []
        else list_concat(it_ids, case metric.stem
            {%- for stem, formula in formulas.items() %}
            when '{{ stem }}' then [] {%- for factor in formula.factors if factor != 'it' %} || {{ factor }}_ids{% endfor %}
            {%- endfor %}
        end)
    end as factor_ids
from worded
cross join metric
order by value desc, {{ (of_usage + ['zone_id']) | join(', ') }}
{% endmacro %}
