{#- Which loads still have to reach the marts. -#}

{#- The ledger of completed loads, or none before the first build. Looked up by name, because the
    ledger is written last and a ref would close a circle. -#}
{% macro completed_ledger() %}
    {%- if not execute or should_full_refresh() -%}{{ return(none) }}{%- endif -%}
    {{ return(adapter.get_relation(this.database, this.schema, 'int_loads_rolled_up')) }}
{% endmacro %}

{#- Ids of complete loads that the ledger lacks; none means "all loads" (first build). -#}
{% macro pending_load_ids() %}
    {%- set ledger = completed_ledger() -%}
    {%- if ledger is none -%}{{ return(none) }}{%- endif -%}
    {%- set found = run_query(
        "select load_id from " ~ ref('stg_loads') ~ " as loads where status = 0 and not exists ("
        ~ "select 1 from " ~ ledger ~ " as done where done.load_id = loads.load_id) order by load_id"
    ) -%}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

{#- A predicate on a load id column with literal ids, so that zone maps skip older loads. -#}
{% macro in_loads(column, ids) %}
    {%- if ids is none -%}{{ return('1 = 1') }}{%- endif -%}
    {%- if not ids -%}{{ return('1 = 0') }}{%- endif -%}
    {{ return(column ~ " >= '" ~ ids[0] ~ "' and " ~ column ~ " <= '" ~ ids[-1] ~ "' and "
        ~ column ~ " in ('" ~ ids | join("', '") ~ "')") }}
{% endmacro %}

{#- Hours beside those that the loads touched, of an event with ids that tell of its call: an event
    there may be of the same call. Spans of literals; none for all loads, as no hour is left then. -#}
{% macro hours_beside(ids) %}
    {%- if not execute or not ids -%}{{ return([]) }}{%- endif -%}
    {%- set brought = ref('stg_usage_events') ~ ' where ' ~ in_loads('load_id', ids) -%}
    {%- set hour = "cast(" ~ utc_hour('occurred_at') ~ " as timestamp)" -%}
    {%- set linked = run_query("select 1 from " ~ brought ~ " and (" ~ has_any_link() ~ ") limit 1") -%}
    {%- if not linked.rows -%}{{ return([]) }}{%- endif -%}
    {%- set hours = "(select distinct " ~ hour ~ " as hour from " ~ brought ~ " and ("
        ~ has_any_link() ~ ")) as hours" -%}
    {{ return(literal_spans('hour',
        "select part from (select hour - interval 1 hour as part from " ~ hours
        ~ " union select hour + interval 1 hour as part from " ~ hours ~ ") as beside where part not in"
        ~ " (select " ~ hour ~ " from " ~ brought ~ ")"
    )) }}
{% endmacro %}

{#- Fingerprint of everything but events that the marts depend on. -#}
{% macro basis_id() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set found = run_query(
        "select (select fingerprint from " ~ ref('int_factor_basis') ~ ") as factors, "
        ~ fingerprint("org_id || ':' || user_id || ':' || team_id") ~ " as teams from "
        ~ ref('stg_control_users') ~ " where team_id is not null"
    ) -%}
    {{ return('basis:' ~ local_md5(found.rows[0][0] ~ found.rows[0][1] ~ var('us_grid_basis')
        ~ var('period_freeze_days') ~ var('method_version'))) }}
{% endmacro %}

{#- The bases that the marts hold: the ledger's latest and, after an erasure, its equal (settle_basis). -#}
{% macro settled_bases(ledger) %}
    {{ return(run_query(
        "select load_id from " ~ ledger ~ " where row_kind = 'basis' and rolled_up_at = ("
        ~ "select max(rolled_up_at) from " ~ ledger ~ " where row_kind = 'basis')"
    ).columns[0].values() | list) }}
{% endmacro %}

{#- Whether the marts hold another basis than the present one. -#}
{% macro is_new_basis(present) %}
    {%- set ledger = completed_ledger() -%}
    {%- if ledger is none -%}{{ return(execute) }}{%- endif -%}
    {{ return(present not in settled_bases(ledger)) }}
{% endmacro %}
