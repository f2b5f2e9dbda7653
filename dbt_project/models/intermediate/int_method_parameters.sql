{{ config(tags=['factors']) }}
{%- set names = ['cached_input_ratio', 'batch_tier_factor', 'reference_input_tokens',
    'reference_output_tokens', 'attention_context_tokens'] %}

select
    valid_from,
    effective_from,
    effective_to,
    {%- for name in names %}
    {%- for s in scenarios() %}
    max(case when key = '{{ name }}' then value_{{ s }} end) as {{ name }}_{{ s }},
    {%- endfor %}
    {%- endfor %}
    max(factor_set_id) as factor_set_id
from {{ ref('int_factors') }}
where factor_type = 'method_parameter'
group by valid_from, effective_from, effective_to
