{#- Replaces whole partitions: those that the pending loads touched are deleted, even where the new
    result lacks them, and the new rows inserted. Both happen in one transaction. -#}
{% macro get_incremental_partition_overwrite_sql(arg_dict) %}
    {%- set column = config.require('meta')['partition_column'] -%}
    {%- set grain = config.require('meta')['partition_grain'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where {{ touched_predicate(column, grain) }};

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{#- dbt's own answer, and yes for a table all of whose partitions are touched: it is written once, whole,
    and swapped, instead of to a temporary table and from there row by row. -#}
{% macro should_full_refresh() %}
    {%- if dbt.should_full_refresh() -%}{{ return(true) }}{%- endif -%}
    {%- set strategy = config.get('incremental_strategy') -%}
    {%- if not execute or strategy != 'partition_overwrite' -%}{{ return(false) }}{%- endif -%}
    {{ return(touches_all(config.require('meta')['partition_grain'])) }}
{% endmacro %}
