{{ config(tags=['factors']) }}
{{ raw_or_empty(source('raw', 'control_factor_overrides'), {
    'override_id': 'varchar',
    'org_id': 'varchar',
    'factor_type': 'varchar',
    'key': 'varchar',
    'value_low': 'double',
    'value_mid': 'double',
    'value_high': 'double',
    'unit': 'varchar',
    'valid_from': 'date',
    'valid_to': 'date',
    'reason': 'varchar',
    'evidence': 'varchar',
    'dq_score': 'bigint',
    'recorded_at': 'timestamp with time zone',
    'withdrawn_at': 'timestamp with time zone',
    'withdrawal_reason': 'varchar',
}) }}
