{{ config(tags=['factors']) }}
{%- set names = ['cached_input_ratio', 'batch_tier_factor', 'reference_input_tokens',
    'reference_output_tokens', 'attention_context_tokens'] %}

select
    org_id,
    effective_from,
    effective_to,
    known_from,
    known_to,
    {%- for name in names %}
    {%- for s in scenarios() %}
    max(case when key = '{{ name }}' then value_{{ s }} end) as {{ name }}_{{ s }},
    {%- endfor %}
    max(case when key = '{{ name }}' then factor_id end) as {{ name }}_factor_id,
    {%- endfor %}
    max(case when is_override then 1 else 0 end) as overrides
from {{ ref('int_factors') }}
where factor_type = 'method_parameter'
group by org_id, effective_from, effective_to, known_from, known_to
