{{ config(tags=['factors']) }}
{%- set terms = ['model_output', 'model_input', 'model_context', 'model_call'] %}

select
    key as model_key,
    valid_from,
    effective_from,
    effective_to,
    {%- for term in terms %}
    {%- for s in scenarios() %}
    max(case when factor_type = '{{ term }}' then value_{{ s }} end) as {{ term }}_{{ s }},
    {%- endfor %}
    {%- endfor %}
    min(dq_score) as dq_score
from {{ ref('int_factors') }}
where factor_type in ('{{ terms | join("', '") }}')
group by key, valid_from, effective_from, effective_to
