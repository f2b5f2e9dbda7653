{#- Columns of a raw table, given as name: type; no rows while no load has made the table, so that a
    raw store of an earlier release can be built upon before its next load. -#}
{% macro raw_or_empty(relation, columns) -%}
{%- set exists = not execute or load_relation(relation) is not none -%}
select
    {%- for name, type in columns.items() %}
    {{ name if exists else 'cast(null as ' ~ type ~ ') as ' ~ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- if exists %}
from {{ relation }}
{%- else %}
where false
{%- endif %}
{%- endmacro %}
