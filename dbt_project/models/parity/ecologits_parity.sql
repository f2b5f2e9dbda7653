{%- set constants = ['batch_size', 'quantization_bits', 'memory_overhead', 'gpu_memory_gb', 'gpu_energy_alpha',
    'gpu_energy_beta', 'gpu_energy_gamma', 'latency_alpha', 'latency_beta', 'latency_gamma', 'server_gpus',
    'server_power_kw', 'server_embodied_kgco2e', 'gpu_embodied_kgco2e', 'hardware_lifespan_s'] %}
{%- set bounds = ['min', 'max'] %}
{%- set metrics = ['energy_kwh', 'gwp_usage_kg', 'gwp_embodied_kg', 'gwp_kg', 'water_l'] %}
with constants as (
    select
        {%- for name in constants %}
        max(case when name = '{{ name }}' then value end) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('ecologits_constants') }}
),

-- All minima, or all maxima: EcoLogits multiplies least with least and greatest with greatest.
bounds as (
    {%- for bound in bounds %}
    select
        models.provider,
        models.model,
        '{{ bound }}' as bound,
        models.total_params_b_{{ bound }} as total_params_b,
        models.active_params_b_{{ bound }} as active_params_b,
        models.tokens_per_second,
        models.first_token_s,
        providers.default_zone,
        providers.pue_{{ bound }} as pue,
        providers.wue_l_per_kwh_{{ bound }} as wue_l_per_kwh
    from {{ ref('ecologits_models') }} as models
    inner join {{ ref('ecologits_providers') }} as providers on models.provider = providers.provider
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

per_token as (
    select
        bounds.*,
        power(
            2e0,
            ceil(log2(ceil(
                constants.memory_overhead * bounds.total_params_b * constants.quantization_bits / 8e0
                / constants.gpu_memory_gb
            )))
        ) as gpus,
        constants.gpu_energy_alpha * exp(constants.gpu_energy_beta * constants.batch_size) * bounds.active_params_b
        + constants.gpu_energy_gamma as gpu_wh_per_token,
        case
            when bounds.tokens_per_second is not null then 1e0 / bounds.tokens_per_second
            else
                constants.latency_alpha * bounds.active_params_b
                + constants.latency_beta * constants.batch_size
                + constants.latency_gamma
        end as s_per_token
    from bounds
    cross join constants
),

output_lengths as (
    select 100 as output_tokens
    union all
    select 400 as output_tokens
    union all
    select 1000 as output_tokens
),

timed as (
    select
        per_token.*,
        output_lengths.output_tokens,
        output_lengths.output_tokens * per_token.s_per_token + coalesce(per_token.first_token_s, 0e0) as generation_s
    from per_token
    cross join output_lengths
),

hardware as (
    select
        timed.*,
        timed.generation_s / 3600e0 * constants.server_power_kw * timed.gpus / constants.server_gpus
        / constants.batch_size
        + timed.gpus * timed.output_tokens * timed.gpu_wh_per_token / 1000e0 as it_kwh,
        timed.generation_s
        * (
            timed.gpus / constants.server_gpus * constants.server_embodied_kgco2e
            + timed.gpus * constants.gpu_embodied_kgco2e
        )
        / (constants.hardware_lifespan_s * constants.batch_size) as gwp_embodied_kg
    from timed
    cross join constants
),

zones as (
    select
        zone,
        zone as grid_zone
    from {{ ref('ecologits_zones') }}
    union all
    select
        'provider_default' as zone,
        cast(null as string) as grid_zone
),

impacts as (
    select
        hardware.provider,
        hardware.model,
        hardware.output_tokens,
        zones.zone,
        hardware.bound,
        hardware.it_kwh * hardware.pue as energy_kwh,
        hardware.it_kwh * hardware.pue * mixes.grid_kgco2e_per_kwh as gwp_usage_kg,
        hardware.gwp_embodied_kg,
        hardware.it_kwh * hardware.pue * mixes.grid_kgco2e_per_kwh + hardware.gwp_embodied_kg as gwp_kg,
        hardware.it_kwh * (hardware.wue_l_per_kwh + hardware.pue * mixes.water_l_per_kwh) as water_l
    from hardware
    cross join zones
    inner join {{ ref('ecologits_zones') }} as mixes
        on mixes.zone = coalesce(zones.grid_zone, hardware.default_zone)
)

select
    provider,
    model,
    output_tokens,
    zone,
    {%- for metric in metrics %}
    {%- set last_metric = loop.last %}
    {%- for bound in bounds %}
    max(case when bound = '{{ bound }}' then {{ metric }} end) as {{ metric }}_{{ bound }}
    {{- ',' if not (last_metric and loop.last) }}
    {%- endfor %}
    {%- endfor %}
from impacts
group by
    provider,
    model,
    output_tokens,
    zone
