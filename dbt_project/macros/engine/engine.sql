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

{#- The distinct values of an expression as one text, in order; an aggregate. -#}
{% macro list_of(text, separator) %}{{ return(adapter.dispatch('list_of', 'ecomind')(text, separator)) }}{% endmacro %}
{% macro duckdb__list_of(text, separator) %}string_agg(distinct {{ text }}, '{{ separator }}' order by {{ text }}){% endmacro %}
{% macro spark__list_of(text, separator) %}array_join(array_sort(collect_set({{ text }})), '{{ separator }}'){% endmacro %}

{#- One row per id of a comma-separated list, as an expression of a select list. -#}
{% macro each_id(ids) %}{{ return(adapter.dispatch('each_id', 'ecomind')(ids)) }}{% endmacro %}
{% macro duckdb__each_id(ids) %}unnest(string_split({{ ids }}, ', ')){% endmacro %}
{% macro spark__each_id(ids) %}explode(split({{ ids }}, ', ')){% endmacro %}

{#- The ids of a comma-separated list that another lacks, as such a list. -#}
{% macro ids_without(ids, others) %}{{ return(adapter.dispatch('ids_without', 'ecomind')(ids, others)) }}{% endmacro %}
{% macro duckdb__ids_without(ids, others) %}array_to_string(
            list_filter(string_split({{ ids }}, ', '), lambda id: not list_contains(string_split({{ others }}, ', '), id)),
            ', '
        ){% endmacro %}
{% macro spark__ids_without(ids, others) %}array_join(array_except(split({{ ids }}, ', '), split({{ others }}, ', ')), ', '){% endmacro %}

{#- Another model of the same file, for what travels inside a published copy of any name. -#}
{% macro local(model) %}{{ return(ref(model).include(database=false)) }}{% endmacro %}

{#- First day of the month of a date, as a date. -#}
{% macro month_start(day) %}cast(date_trunc('month', {{ day }}) as date){% endmacro %}

{#- UTC hour of a timestamp with time zone; the sessions of all targets run in UTC. -#}
{% macro utc_hour(moment) %}date_trunc('hour', {{ moment }}){% endmacro %}

{#- One row per day from one date to another, both included, as an expression of a select list. -#}
{% macro each_day(first, last) %}{{ return(adapter.dispatch('each_day', 'ecomind')(first, last)) }}{% endmacro %}
{% macro duckdb__each_day(first, last) %}cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date){% endmacro %}
{% macro spark__each_day(first, last) %}explode(sequence({{ first }}, {{ last }})){% endmacro %}

{#- Microseconds from one timestamp to another. -#}
{% macro us_between(one, other) %}{{ return(adapter.dispatch('us_between', 'ecomind')(one, other)) }}{% endmacro %}
{% macro duckdb__us_between(one, other) %}date_diff('microsecond', {{ one }}, {{ other }}){% endmacro %}
{% macro spark__us_between(one, other) %}(unix_micros({{ other }}) - unix_micros({{ one }})){% endmacro %}

{#- A literal of the engine's UTC timestamp type. -#}
{% macro utc_literal(text) %}{{ return(adapter.dispatch('utc_literal', 'ecomind')(text)) }}{% endmacro %}
{% macro duckdb__utc_literal(text) %}timestamptz '{{ text }}+00'{% endmacro %}
{% macro spark__utc_literal(text) %}timestamp '{{ text }}'{% endmacro %}

{#- When this build started (UTC). -#}
{% macro build_started_at() %}{{ utc_literal(run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f')) }}{% endmacro %}
