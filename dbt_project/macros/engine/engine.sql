{#- The few expressions that differ between engines. Everything else stays in the SQL all share. -#}

{% macro hash64(columns) %}{{ return(adapter.dispatch('hash64', 'ecomind')(columns)) }}{% endmacro %}
{% macro duckdb__hash64(columns) %}hash({{ columns | join(', ') }}){% endmacro %}
{% macro spark__hash64(columns) %}xxhash64({{ columns | join(', ') }}){% endmacro %}

{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches', 'ecomind')(text, pattern)) }}{% endmacro %}
{% macro duckdb__matches(text, pattern) %}regexp_matches({{ text }}, {{ pattern }}){% endmacro %}
{% macro spark__matches(text, pattern) %}({{ text }} rlike {{ pattern }}){% endmacro %}

{#- One md5 of all values of an expression, whatever the order of the rows. -#}
{% macro fingerprint(text) %}{{ return(adapter.dispatch('fingerprint', 'ecomind')(text)) }}{% endmacro %}
{% macro duckdb__fingerprint(text) %}md5(coalesce(string_agg({{ text }}, '|' order by {{ text }}), '')){% endmacro %}
{% macro spark__fingerprint(text) %}md5(concat_ws('|', sort_array(collect_list({{ text }})))){% endmacro %}

{#- The texts of a group in order, separated by commas; nulls left out. -#}
{% macro joined_text(text) %}{{ return(adapter.dispatch('joined_text', 'ecomind')(text)) }}{% endmacro %}
{% macro duckdb__joined_text(text) %}coalesce(string_agg({{ text }}, ', ' order by {{ text }}), ''){% endmacro %}
{% macro spark__joined_text(text) %}concat_ws(', ', sort_array(collect_list({{ text }}))){% endmacro %}

{#- First day of the month of a date, as a date. -#}
{% macro month_start(day) %}cast(date_trunc('month', {{ day }}) as date){% endmacro %}

{#- UTC hour of a timestamp with time zone; the sessions of all targets run in UTC. -#}
{% macro utc_hour(moment) %}date_trunc('hour', {{ moment }}){% endmacro %}

{#- A literal of the engine's UTC timestamp type. -#}
{% macro utc_literal(text) %}{{ return(adapter.dispatch('utc_literal', 'ecomind')(text)) }}{% endmacro %}
{% macro duckdb__utc_literal(text) %}timestamptz '{{ text }}+00'{% endmacro %}
{% macro spark__utc_literal(text) %}timestamp '{{ text }}'{% endmacro %}

{#- When this build started (UTC). -#}
{% macro build_started_at() %}{{ utc_literal(run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f')) }}{% endmacro %}
