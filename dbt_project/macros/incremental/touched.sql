{#- The partitions to rebuild, as literal bounds that reach the scan. -#}

{#- In a model: the rows of `relation` to rebuild from, as a relation; a first or full build reads
    all. -#}
{% macro touched(relation, column, grain) %}
    {#- Named before anything else, so that the parser sees the dependency. -#}
    {%- set pending = ref('int_loads_pending') -%}
    {%- if not is_incremental() -%}{{ return(relation) }}{%- endif -%}
    {{ return(touched_rows(relation, column, grain)) }}
{% endmacro %}

{#- The rows of `relation` in the touched partitions, as a relation. One scan per span: engines skip
    row groups by the bounds of a conjunction, but not by those of a disjunction. -#}
{% macro touched_rows(relation, column, grain) %}
    {%- set scans = [] -%}
    {%- for predicate in touched_predicates(column, grain) -%}
        {%- do scans.append('select * from ' ~ relation ~ ' where ' ~ predicate) -%}
    {%- endfor -%}
    {{ return('(' ~ scans | join(' union all ') ~ ')') }}
{% endmacro %}

{#- A predicate on `column` that holds in the touched partitions. -#}
{% macro touched_predicate(column, grain) %}
    {{ return('((' ~ touched_predicates(column, grain) | join(') or (') ~ '))') }}
{% endmacro %}

{#- One predicate with literal bounds per span of touched partitions.
    grain: hour (timestamps), activity_day, day or month (dates). A changed factor, mapping or team
    touches every day and month, but no hour and no day of activity: those tables hold no factor. -#}
{% macro touched_predicates(column, grain) %}
    {%- set pending = ref('int_loads_pending') -%}
    {%- if not execute or touches_all(grain) -%}{{ return(['1 = 1']) }}{%- endif -%}
    {%- set parts = [] -%}
    {%- for first, after in touched_spans(grain) -%}
        {%- do parts.append(column ~ ' >= ' ~ first ~ ' and ' ~ column ~ ' < ' ~ after) -%}
    {%- endfor -%}
    {{ return(parts or ['1 = 0']) }}
{% endmacro %}

{#- Whether every partition of a grain is touched: factors, mappings, teams or method changed since the
    marts were last completed, and tables of this grain hold what follows from them. -#}
{% macro touches_all(grain) %}
    {%- if grain not in ('day', 'month') -%}{{ return(false) }}{%- endif -%}
    {%- set found = run_query(
        "select count(*) from " ~ ref('int_loads_pending') ~ " where row_kind = 'basis'"
    ) -%}
    {{ return(found.columns[0].values()[0] > 0) }}
{% endmacro %}

{#- Contiguous [first, after) literals, merged to at most `most` spans by closing the smallest gaps:
    rebuilding an untouched partition between two touched ones is harmless. -#}
{% macro touched_spans(grain, most=24) %}
    {%- set rows = run_query(touched_spans_sql(grain, most)).rows -%}
    {%- set spans = [] -%}
    {%- for row in rows -%}
        {%- if grain == 'hour' -%}
            {%- do spans.append((utc_literal(row[0]), utc_literal(row[1]))) -%}
        {%- else -%}
            {%- do spans.append(("date '" ~ row[0] ~ "'", "date '" ~ row[1] ~ "'")) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(spans) }}
{% endmacro %}

{% macro touched_spans_sql(grain, most) %}
    {%- set unit = {'activity_day': 'day'}.get(grain, grain) -%}
    {%- set type = 'timestamp' if grain == 'hour' else 'date' -%}
with touched as (
    select distinct cast(date_trunc('{{ unit }}', usage_hour) as {{ type }}) as part
    from {{ ref('int_loads_pending') }}
    where row_kind = 'events'
),
gaps as (
    select
        part,
        part > lag(part) over (order by part) + interval 1 {{ unit }} as has_gap,
        part - lag(part) over (order by part) as gap
    from touched
),
breaks as (
    select
        part,
        case
            when has_gap
                then row_number() over (
                    partition by coalesce(has_gap, false) order by gap desc, part
                )
        end as gap_rank
    from gaps
),
spans as (
    select
        part,
        sum(case when gap_rank < {{ most }} then 1 else 0 end) over (order by part) as span_id
    from breaks
)
select
    cast(min(part) as varchar) as first_part,
    cast(cast(max(part) + interval 1 {{ unit }} as {{ type }}) as varchar) as after_part
from spans
group by span_id
order by first_part
{% endmacro %}
