{{ config(tags=['factors']) }}
{%- set families = ['model_energy', 'multimodal', 'grid_country', 'grid_us_subregion', 'grid_us_state',
    'facility', 'market', 'water', 'embodied', 'method_parameters'] %}
{%- set terms = {
    'model_output': ('Wh/1k output tokens', '1e0'),
    'model_input': ('Wh/1k input tokens', 'constants.call_to_token_ratio'),
    'model_context': ('Wh/1k output tokens/1k context tokens', '0e0'),
} %}
{%- set columns = ['factor_id', 'factor_type', 'key', 'value_low', 'value_mid', 'value_high', 'unit', 'basis',
    'method', 'data_year', 'valid_from', 'valid_to', 'published_at', 'source', 'source_url', 'licence',
    'dq_score', 'supersedes_id', 'factor_set_id'] %}

with shared as (
    {%- for family in families %}
    select
        {{ columns | join(',\n        ') }},
        'factor_{{ family }}' as factor_file,
        {{ known_from('published_at') }} as known_from
    from {{ ref('factor_' ~ family) }}
    union all
    {%- endfor %}
    -- Sets the user added: known from their day at the earliest, for other figures held before.
    select
        {{ columns | join(',\n        ') }},
        factor_file,
        published_at as known_from
    from {{ ref('int_optional_factors') }}
),

overrides as (
    select
        'override:' || override_id as factor_id,
        org_id,
        factor_type,
        key,
        value_low,
        value_mid,
        value_high,
        unit,
        valid_from,
        valid_to,
        cast(recorded_at as date) as published_at,
        cast(withdrawn_at as date) as withdrawn_on,
        reason,
        coalesce(evidence, '') as evidence,
        dq_score
    from {{ ref('stg_control_factor_overrides') }}
),

constants as (
    select
        max(case when key = 'reference_input_tokens' then value_mid end) as reference_input_tokens,
        max(case when key = 'reference_output_tokens' then value_mid end) as reference_output_tokens,
        max(case when key = 'attention_context_tokens' then value_mid end) as attention_context_tokens,
        max(case when key = 'call_to_token_ratio' then value_mid end) as call_to_token_ratio
    from {{ ref('factor_method_parameters') }}
    where factor_id not in (
        select supersedes_id
        from {{ ref('factor_method_parameters') }}
        where supersedes_id is not null
    )
),

own as (
    select
        *,
        'as recorded' as method,
        false as is_converted
    from overrides
    {%- for term, (unit, share) in terms.items() %}
    union all
    -- A model of which only the energy per call is known: the token terms that give it back at the
    -- reference call.
    select
        calls.factor_id || ':{{ term }}' as factor_id,
        calls.org_id,
        '{{ term }}' as factor_type,
        calls.key,
        {%- for s in scenarios() %}
        calls.value_{{ s }} * 1e6 * {{ share }} / (
            constants.reference_output_tokens
            + constants.call_to_token_ratio * constants.reference_input_tokens
            * (1e0 + constants.reference_input_tokens / constants.attention_context_tokens)
        ) as value_{{ s }},
        {%- endfor %}
        '{{ unit }}' as unit,
        calls.valid_from,
        calls.valid_to,
        calls.published_at,
        calls.withdrawn_on,
        calls.reason,
        calls.evidence,
        calls.dq_score,
        'from the energy per call, at the reference call' as method,
        true as is_converted
    from overrides as calls
    cross join constants
    where calls.factor_type = 'model_call'
    {%- endfor %}
),

all_rows as (
    select
        *,
        '*' as org_id,
        false as is_override,
        false as is_converted,
        {{ end_of_time() }} as known_to
    from shared
    union all
    select
        factor_id,
        factor_type,
        key,
        value_low,
        value_mid,
        value_high,
        unit,
        'organisation' as basis,
        method,
        cast(extract(year from valid_from) as bigint) as data_year,
        valid_from,
        valid_to,
        published_at,
        'Override of the organisation: ' || reason as source,
        evidence as source_url,
        'internal' as licence,
        dq_score,
        cast(null as string) as supersedes_id,
        'overrides' as factor_set_id,
        'control store' as factor_file,
        published_at as known_from,
        org_id,
        true as is_override,
        is_converted,
        coalesce(withdrawn_on, {{ end_of_time() }}) as known_to
    from own
)

select
    *,
    -- A later row for the same days takes its place.
    factor_id in (
        select rows_of.supersedes_id
        from all_rows as rows_of
        inner join all_rows as corrected on rows_of.supersedes_id = corrected.factor_id
        where rows_of.valid_from = corrected.valid_from and rows_of.published_at > corrected.published_at
    ) as is_corrected,
    -- Rows that are used side by side change on common days.
    case
        when factor_type in ('model_output', 'model_input', 'model_context', 'model_call')
            then 'model:' || key
        when factor_type = 'method_parameter' then 'method'
        else factor_type || ':' || key
    end as bundle
from all_rows
