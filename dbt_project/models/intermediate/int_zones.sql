{{ config(tags=['factors']) }}
{%- set waters = {'water_zone_id': 'water_offsite', 'water_without_hydro_zone_id': 'water_offsite_without_hydro'} %}

with zones as (
    select distinct key as zone_id
    from {{ ref('int_factors') }}
    where factor_type = 'grid_location'
){% for name, factor_type in waters.items() %},

{{ factor_type }} as (
    select distinct key as zone_id
    from {{ ref('int_factors') }}
    where factor_type = '{{ factor_type }}'
){% endfor %}

select
    zones.zone_id,
    {%- for name, factor_type in waters.items() %}
    case
        when {{ factor_type }}.zone_id is not null then {{ factor_type }}.zone_id
        when zones.zone_id like 'US-%' then 'USA'
        else 'WORLD'
    end as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from zones
{%- for factor_type in waters.values() %}
left join {{ factor_type }} on zones.zone_id = {{ factor_type }}.zone_id
{%- endfor %}
