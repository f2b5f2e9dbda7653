{{ config(tags=['factors']) }}
{%- set terms = ['model_output', 'model_input', 'model_context', 'model_call'] %}
-- Whatever a name is taken for is in the registry, and what is in the registry has its energy terms.
with named as (
    select
        'model_aliases.csv' as file,
        model_name as name,
        model_key
    from {{ ref('model_aliases') }}
    union all
    select
        'model_families.csv' as file,
        pattern as name,
        model_key
    from {{ ref('model_families') }}
    union all
    select
        'provider_defaults.csv' as file,
        provider as name,
        default_model_key as model_key
    from {{ ref('provider_defaults') }}
),

findings as (
    select
        named.file,
        named.name,
        'model ' || coalesce(named.model_key, '(empty)') || ' is not in models.csv' as reason
    from named
    left join {{ ref('models') }} as models on named.model_key = models.model_key
    where models.model_key is null
    {%- for term in terms %}
    union all
    select
        'models.csv' as file,
        models.model_key as name,
        'no {{ term }} in factor_model_energy.csv' as reason
    from {{ ref('models') }} as models
    left join {{ ref('factor_model_energy') }} as energy
        on models.model_key = energy.key and energy.factor_type = '{{ term }}'
    where energy.key is null
    {%- endfor %}
)

select
    file,
    name,
    reason
from findings
