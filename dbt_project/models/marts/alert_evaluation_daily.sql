{%- set metrics = ['energy_mid_kwh', 'co2e_total_location_mid_kg', 'water_mid_l'] %}

with days as (
    {%- for metric in metrics %}
    select
        usage_date,
        org_id,
        '{{ metric }}' as metric,
        {{ metric }} as value
    from {{ ref('org_footprint_daily') }}
    union all
    {%- endfor %}
    select
        received_date as usage_date,
        org_id,
        'rejected_share' as metric,
        {{ as_double('events_rejected') }} / (events_received + events_rejected) as value
    from {{ ref('intake_health_daily') }}
)

select
    days.usage_date,
    days.org_id,
    rules.rule_id,
    rules.metric,
    rules.threshold,
    days.value,
    days.value > rules.threshold as is_breached
from days
inner join {{ ref('stg_control_alert_rules') }} as rules
    on days.org_id = rules.org_id and days.metric = rules.metric
where days.value is not null
