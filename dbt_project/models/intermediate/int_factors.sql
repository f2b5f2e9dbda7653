{{ config(tags=['factors']) }}
{%- set families = ['model_energy', 'multimodal', 'grid_country', 'grid_us_subregion', 'grid_us_state',
    'facility', 'water', 'embodied', 'method_parameters'] %}

with factors as (
    {%- for family in families %}
    select
        factor_id,
        factor_type,
        key,
        value_low,
        value_mid,
        value_high,
        unit,
        basis,
        method,
        data_year,
        valid_from,
        valid_to,
        published_at,
        source,
        source_url,
        licence,
        dq_score,
        supersedes_id,
        factor_set_id,
        'factor_{{ family }}' as factor_file
    from {{ ref('factor_' ~ family) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    *,
    -- A use before the first figure of a key takes that figure; the marts flag it.
    case
        when row_number() over (partition by factor_type, key order by valid_from) = 1
            then date '0001-01-01'
        else valid_from
    end as effective_from,
    coalesce(valid_to, date '9999-12-31') as effective_to
from factors
