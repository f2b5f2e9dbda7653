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

{% macro explanation() %}
{%- set of_profile = ['provider', 'model', 'region', 'energy_route', 'unit_kind', 'is_batch_tier'] -%}
{%- set of_factors = ['zone_id', 'model_key', 'unit_key', 'model_fallback_level', 'zone_fallback_level',
    'water_zone_id', 'water_without_hydro_zone_id', 'pue_key', 'wue_key', 'market_key',
    'is_model_backcast', 'is_grid_backcast', 'known_on', 'factor_set_id', 'method_version'] -%}
{%- set sums = ['events'] + usage_sums() -%}
{%- set formulas = footprint_formulas() -%}
with metric as (
    select * from {{ this.include(database=false) }} where metric = of_metric
),

reported as (
    select * from {{ local('int_factors_applied_as_reported_daily') }}
    where of_lens = 'as_reported' and org_id = of_org and usage_date = of_day
),

-- A day that is not among those reported with other factors is the same under both lenses.
applied as (
    select * from reported
    union all
    select * from {{ local('int_factors_applied_daily') }}
    where org_id = of_org and usage_date = of_day and not exists (select 1 from reported)
),

used as (
    select
        profile_key,
        {%- for name in sums %}
        sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ attributed_usage(local('int_usage_daily'), local('dim_user')) }} as usage
    where org_id = of_org and usage_date = of_day
        {%- for name in ['team_id', 'user_id', 'provider', 'model', 'region'] %}
        and (of_{{ name | replace('_id', '') }} is null or {{ name }} = of_{{ name | replace('_id', '') }})
        {%- endfor %}
    group by profile_key
),

u as (
    select
        applied.*,
        {%- for name in sums %}
        used.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from used
    inner join applied on used.profile_key = applied.profile_key
    where of_zone is null or applied.zone_id = of_zone
),

valued as (
    {%- for s in scenarios() %}
    select
        {{ (of_profile + of_factors + sums) | join(',\n        ') }},
        '{{ s }}' as scenario,
        {{ it_kwh(s, 'u') }} as it,
        {%- for name in ['model_output', 'model_input', 'model_context', 'model_call', 'cached_input_ratio',
            'attention_context_tokens', 'batch_tier_factor'] + factor_terms() %}
        {{ name }}_{{ s }} as {{ name }},
        {%- endfor %}
        unit_{{ s }} as unit_factor,
        unit_of_unit as unit_of_factor,
        reference_input_tokens,
        reference_output_tokens,
        {{ output_tokens('u') }} as full_output_tokens,
        {{ output_context_product('u') }} as full_output_context_product,
        {{ fresh_tokens('u') }} as full_input_tokens,
        {{ fresh_context_product('u') }} as full_input_context_product,
        it_factor_ids,
        {%- for term in factor_terms() %}
        {{ term }}_factor_ids{{ ',' if not loop.last }}
        {%- endfor %}
    from u
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
    {{ (of_profile + of_factors + sums) | join(',\n    ') }},
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
        else string_split(concat_ws(', ', nullif(it_factor_ids, ''), case metric.stem
            {%- for stem, formula in formulas.items() if formula.factors | length > 1 %}
            when '{{ stem }}' then concat_ws(', '
                {%- for term in formula.factors if term != 'it' %}, {{ term }}_factor_ids{% endfor %})
            {%- endfor %}
        end), ', ')
    end as factor_ids
from worded
cross join metric
order by value desc, {{ (of_profile + ['zone_id']) | join(', ') }}
{% endmacro %}
