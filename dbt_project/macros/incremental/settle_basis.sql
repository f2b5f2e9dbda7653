{#- Run after somebody was erased, when nothing else is pending: the marts hold what they held, so the
    ledger takes the basis without that person in place of the one with them. No day is computed anew. -#}
{% macro settle_basis() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set ledger = ref('int_loads_rolled_up') -%}
    {%- set present = basis_id() -%}
    {%- set found = run_query(
        "select load_id from " ~ ledger ~ " where row_kind = 'basis' order by rolled_up_at desc limit 1"
    ) -%}
    {%- if found.rows and found.rows[0][0] != present -%}
        {%- set of_basis = " where row_kind = 'basis' and load_id = '" -%}
        {%- do run_query("delete from " ~ ledger ~ of_basis ~ present ~ "'") -%}
        {%- do run_query(
            "update " ~ ledger ~ " set load_id = '" ~ present ~ "'" ~ of_basis ~ found.rows[0][0] ~ "'"
        ) -%}
    {%- endif -%}
{% endmacro %}
