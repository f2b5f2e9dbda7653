{{ config(post_hook="{{ create_explain() }}") }}
-- depends_on: {{ ref('int_usage_daily') }}
-- depends_on: {{ ref('int_factors_applied_daily') }}
-- depends_on: {{ ref('int_factors_applied_as_reported_daily') }}
-- depends_on: {{ ref('dim_user') }}

{%- for stem, formula in footprint_formulas().items() %}
{%- set outer_last = loop.last %}
{%- for s in scenarios() %}
select
    '{{ stem }}_{{ s }}_{{ formula.unit }}' as metric,
    '{{ stem }}' as stem,
    '{{ s }}' as scenario,
    '{{ printed_unit(formula.unit) }}' as unit,
    '{{ stem }} = {{ formula.words }}' as formula
{%- if not (outer_last and loop.last) %}
union all
{%- endif %}
{%- endfor %}
{%- endfor %}
