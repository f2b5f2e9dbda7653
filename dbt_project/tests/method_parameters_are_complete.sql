{{ config(tags=['factors']) }}
-- Each constant of the method has a value at every time.
select
    org_id,
    effective_from,
    known_from
from {{ ref('int_method_parameters') }}
where cached_input_ratio_mid is null
    or batch_tier_factor_mid is null
    or reference_input_tokens_mid is null
    or reference_output_tokens_mid is null
    or attention_context_tokens_mid is null
