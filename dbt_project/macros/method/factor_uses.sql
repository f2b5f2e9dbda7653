{#- Which factor rows a row of usage_footprint_daily takes; the one place that knows. -#}

{#- term of the formulas: (factor type, column holding the factor's key). A term without a row of its
    own takes that of `otherwise`. -#}
{% macro single_factor_terms() %}
    {{ return({
        'pue': {'type': 'pue', 'key': 'pue_key'},
        'wue': {'type': 'wue', 'key': 'wue_key'},
        'ewif': {'type': 'water_offsite', 'key': 'water_zone_id'},
        'ewif_without_hydro': {'type': 'water_offsite_without_hydro', 'key': 'water_without_hydro_zone_id'},
        'location': {'type': 'grid_location', 'key': 'zone_id'},
        'market': {'type': 'grid_market', 'key': 'market_key', 'otherwise': 'location'},
        'embodied': {'type': 'embodied', 'key': "'*'"},
    }) }}
{% endmacro %}

{#- What enters the IT energy of usage row `u`: (condition on u, factor type, key). -#}
{% macro it_energy_uses() %}
    {%- set modelled = "(u.energy_route like 'token%' or u.energy_route in ('call', 'unit'))" -%}
    {{ return([
        ("u.energy_route like 'token%'", "'model_output'", 'u.model_key'),
        ("u.energy_route like 'token%'", "'model_input'", 'u.model_key'),
        ("u.energy_route like 'token%'", "'model_context'", 'u.model_key'),
        ("u.energy_route = 'call'", "'model_call'", 'u.model_key'),
        ("u.energy_route = 'unit'", 'u.unit_kind', 'u.unit_key'),
        ("u.energy_route like 'token%'", "'method_parameter'", "'cached_input_ratio'"),
        ("u.energy_route like 'token%'", "'method_parameter'", "'attention_context_tokens'"),
        ("u.energy_route = 'token_input_only'", "'method_parameter'", "'reference_output_tokens'"),
        ("u.energy_route = 'token_output_only'", "'method_parameter'", "'reference_input_tokens'"),
        ('u.is_batch_tier and ' ~ modelled, "'method_parameter'", "'batch_tier_factor'"),
    ]) }}
{% endmacro %}

{#- The factor rows of the IT energy of relation `usage`: its columns `keep`, and factor_id. -#}
{% macro it_energy_factors(usage, keep, factors) -%}
{%- for condition, factor_type, key in it_energy_uses() %}
    select
        u.{{ keep | join(',\n        u.') }},
        c.factor_type,
        c.factor_id
    from {{ usage }} as u
    inner join {{ factors }} as c
        on c.factor_type = {{ factor_type }} and c.key = {{ key }}
            and {{ in_force('c') }}
    where {{ condition }}
    {%- if not loop.last %}
    union all
    {%- endif %}
{%- endfor %}
{%- endmacro %}

{#- Columns of usage_footprint_daily that decide which factor rows it takes. -#}
{% macro factor_use_columns() %}
    {{ return(['usage_date', 'factor_org_id', 'known_on', 'energy_route', 'unit_kind', 'is_batch_tier',
        'model_key', 'unit_key', 'zone_id', 'water_zone_id', 'water_without_hydro_zone_id', 'pue_key',
        'wue_key', 'market_key']) }}
{% endmacro %}
