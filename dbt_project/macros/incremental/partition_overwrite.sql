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
