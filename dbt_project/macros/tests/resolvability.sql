{#- Rows of mapping seed `mapping` whose zone (a column) lacks a grid factor, or water with or without
    reservoirs of its own, of the United States for their parts, or of the world. -#}
{% macro zones_without_factors(mapping, name, zone) -%}
{%- set waters = ['water_offsite', 'water_offsite_without_hydro'] -%}
select
        '{{ mapping }}.csv' as file,
        {{ name }} as name,
        '{{ zone }} ' || coalesce(mapping.{{ zone }}, '(empty)') || ' has no grid_location factor' as reason
    from {{ ref(mapping) }} as mapping
    left join {{ ref('int_factor_rows') }} as found
        on found.factor_type = 'grid_location' and not found.is_override and mapping.{{ zone }} = found.key
    where found.key is null
    {%- for water in waters %}
    union all
    select
        '{{ mapping }}.csv' as file,
        {{ name }} as name,
        '{{ zone }} ' || coalesce(mapping.{{ zone }}, '(empty)')
        || ' has no {{ water }} factor, nor has the zone it falls back to' as reason
    from {{ ref(mapping) }} as mapping
    left join {{ ref('factor_water') }} as found
        on found.factor_type = '{{ water }}'
            and found.key in (
                mapping.{{ zone }},
                case when mapping.{{ zone }} like 'US-%' then 'USA' else 'WORLD' end
            )
    where found.key is null
    {%- endfor %}
{%- endmacro %}

{#- Every value stands in column `field` of `to`; a row that fails is told by its column `told_by`. -#}
{% test resolves(model, column_name, to, field, told_by) %}
select
    rows_of.{{ told_by }},
    rows_of.{{ column_name }}
from {{ model }} as rows_of
left join {{ to }} as listed on rows_of.{{ column_name }} = listed.{{ field }}
where listed.{{ field }} is null
{% endtest %}
