{#- Run after somebody was erased, when nothing else is pending: the marts hold what they held, so the
    ledger takes the basis without that person beside the one with them. No day is computed anew, also
    when the erasure is cut off here and a load brings the person's team once more. -#}
{% macro settle_basis() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set ledger = ref('int_loads_rolled_up') -%}
    {%- set present = basis_id() -%}
    {%- set settled = settled_bases(ledger) -%}
    {%- if settled and present not in settled -%}
        {%- set of_basis = " where row_kind = 'basis' and load_id = '" -%}
        {%- do run_query("delete from " ~ ledger ~ of_basis ~ present ~ "'") -%}
        {%- do run_query(
            "insert into " ~ ledger ~ " select * replace ('" ~ present ~ "' as load_id) from " ~ ledger
            ~ of_basis ~ settled[0] ~ "'"
        ) -%}
    {%- endif -%}
{% endmacro %}
