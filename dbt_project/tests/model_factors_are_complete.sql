{{ config(tags=['factors']) }}
-- Every model of the registry has each of its energy terms.
select
    models.model_key,
    energy.org_id,
    energy.effective_from
from {{ ref('models') }} as models
left join {{ ref('int_model_energy') }} as energy on models.model_key = energy.model_key
where energy.model_key is null
    or energy.model_output_mid is null
    or energy.model_input_mid is null
    or energy.model_context_mid is null
    or energy.model_call_mid is null
