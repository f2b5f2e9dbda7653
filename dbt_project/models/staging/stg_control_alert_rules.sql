select
    org_id,
    rule_id,
    metric,
    threshold
from {{ source('raw', 'control_alert_rules') }}
