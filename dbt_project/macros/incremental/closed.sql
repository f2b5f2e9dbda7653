{#- Hours whose raw events retention has removed. Nothing may be computed anew from what is left of
    them: they keep their sums, and events that come for them afterwards do not count. Per organisation,
    as literals: most have none, and there the models are what they would be without. -#}

{#- Rows (org_id, first hour that is not closed, as text in UTC) of the raw store. -#}
{% macro horizons() %}
    {#- A unit test gives no more tables than it names. -#}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return([]) }}{%- endif -%}
    {%- set table = source('raw', 'retention_horizons') -%}
    {%- if load_relation(table) is none -%}{{ return([]) }}{%- endif -%}
    {%- set found = run_query(
        "select org_id, cast(cast(max(closed_before) as timestamp) as varchar) from " ~ table
        ~ " group by org_id order by org_id"
    ) -%}
    {{ return(found.rows) }}
{% endmacro %}

{#- Whether a row of an organisation lies in an hour that is closed; `moment` is a timestamp. -#}
{% macro is_closed_hour(moment, org='org_id') %}
    {%- set parts = ['1 = 0'] -%}
    {%- for org_id, closed_before in horizons() -%}
        {%- set is_before = moment ~ " < " ~ utc_literal(closed_before) -%}
        {%- do parts.append("(" ~ org ~ " = '" ~ org_id ~ "' and " ~ is_before ~ ")") -%}
    {%- endfor -%}
    {{ return('(' ~ parts | join(' or ') ~ ')') }}
{% endmacro %}

{#- The same for days: those before the day of the first open hour; through_horizon: that day, too. -#}
{% macro is_closed_day(day, org='org_id', through_horizon=false) %}
    {%- set parts = ['1 = 0'] -%}
    {%- for org_id, closed_before in horizons() -%}
        {%- set is_before = day ~ (" <= " if through_horizon else " < ") ~ "date '" ~ closed_before[:10] ~ "'" -%}
        {%- do parts.append("(" ~ org ~ " = '" ~ org_id ~ "' and " ~ is_before ~ ")") -%}
    {%- endfor -%}
    {{ return('(' ~ parts | join(' or ') ~ ')') }}
{% endmacro %}

{#- A full build has only raw to build from, so with closed hours it would lose figures. -#}
{% macro refuse_to_lose_closed_hours() %}
    {%- if execute and not is_incremental() and horizons() -%}
        {{ exceptions.raise_compiler_error(
            this.identifier ~ " holds figures of hours whose raw events retention has removed, and cannot be"
            ~ " built from what is left: restore marts.duckdb from a backup"
        ) }}
    {%- endif -%}
{% endmacro %}
