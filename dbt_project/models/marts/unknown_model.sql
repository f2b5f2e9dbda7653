with totals as (
    select
        org_id,
        sum(energy_mid_kwh) as energy_mid_kwh
    from {{ ref('model_footprint_daily') }}
    group by org_id
),

guessed as (
    select
        org_id,
        provider,
        model,
        min(usage_date) as first_seen,
        max(usage_date) as last_seen,
        cast(sum(events) as bigint) as events,
        sum(energy_mid_kwh) as energy_mid_kwh
    from {{ ref('model_footprint_daily') }}
    group by org_id, provider, model
)

select
    guessed.org_id,
    guessed.provider,
    guessed.model,
    guessed.first_seen,
    guessed.last_seen,
    guessed.events,
    guessed.energy_mid_kwh,
    coalesce(guessed.energy_mid_kwh / nullif(totals.energy_mid_kwh, 0e0), 0e0) as energy_share,
    cast(resolved.model_fallback_level as bigint) as model_fallback_level,
    resolved.model_key as resolved_model_key
from guessed
inner join totals on guessed.org_id = totals.org_id
inner join {{ ref('int_models_resolved') }} as resolved
    on guessed.provider = resolved.provider and guessed.model = resolved.model
where resolved.model_fallback_level >= 3
