{%- set metrics = ['energy_mid_kwh', 'co2e_total_location_mid_kg', 'water_mid_l'] %}

with evaluated as (
    select
        days.usage_date,
        days.org_id,
        rules.rule_id,
        rules.metric,
        rules.threshold,
        case rules.metric
            {%- for metric in metrics %}
            when '{{ metric }}' then days.{{ metric }}
            {%- endfor %}
        end as value
    from {{ ref('org_footprint_daily') }} as days
    inner join {{ ref('stg_control_alert_rules') }} as rules on days.org_id = rules.org_id
)

select
    usage_date,
    org_id,
    rule_id,
    metric,
    threshold,
    value,
    value > threshold as is_breached
from evaluated
where value is not null
