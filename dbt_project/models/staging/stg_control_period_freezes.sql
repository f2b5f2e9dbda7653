{{ config(tags=['factors']) }}
{{ raw_or_empty(source('raw', 'control_period_freezes'), {
    'org_id': 'varchar',
    'period_start': 'date',
    'frozen_on': 'date',
}) }}
