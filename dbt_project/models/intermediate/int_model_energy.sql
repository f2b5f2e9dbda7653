{{ config(tags=['factors']) }}
{%- set terms = ['model_output', 'model_input', 'model_context', 'model_call'] %}

select
    org_id,
    key as model_key,
    effective_from,
    effective_to,
    known_from,
    known_to,
    max(valid_from) as valid_from,
    {%- for term in terms %}
    {%- for s in scenarios() %}
    max(case when factor_type = '{{ term }}' then value_{{ s }} end) as {{ term }}_{{ s }},
    {%- endfor %}
    max(case when factor_type = '{{ term }}' then factor_id end) as {{ term }}_factor_id,
    {%- endfor %}
    min(dq_score) as dq_score,
    max(case when is_override then 1 else 0 end) as overrides
from {{ ref('int_factors') }}
where factor_type in ('{{ terms | join("', '") }}')
group by org_id, key, effective_from, effective_to, known_from, known_to
