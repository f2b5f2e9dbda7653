{#- The partitions to rebuild, as literal bounds that reach the scan. -#}

{#- In a model: the rows of `relation` to rebuild from, as a relation; a first or full build reads
    all. around: how many partitions before and after each are read, too. -#}
{% macro touched(relation, column, grain, around=0) %}
    {#- Named before anything else, so that the parser sees the dependency. -#}
    {%- set pending = ref('int_loads_pending') -%}
    {%- if not is_incremental() -%}{{ return(relation) }}{%- endif -%}
    {{ return(touched_rows(relation, column, grain, around)) }}
{% endmacro %}

{#- The rows of `relation` in the touched partitions, as a relation. One scan per span: engines skip
    row groups by the bounds of a conjunction, but not by those of a disjunction. -#}
{% macro touched_rows(relation, column, grain, around=0) %}
    {%- set scans = [] -%}
    {%- for predicate in touched_predicates(column, grain, around) -%}
        {%- do scans.append('select * from ' ~ relation ~ ' where ' ~ predicate) -%}
    {%- endfor -%}
    {{ return('(' ~ scans | join(' union all ') ~ ')') }}
{% endmacro %}

{#- A predicate on `column` that holds in the touched partitions. -#}
{% macro touched_predicate(column, grain) %}
    {{ return('((' ~ touched_predicates(column, grain) | join(') or (') ~ '))') }}
{% endmacro %}

{#- One predicate with literal bounds per span of touched partitions.
    grain: hour (timestamps), activity_day, bucket_day, day or month (dates). A changed factor, mapping
    or team touches every day and month, but no hour and no day of activity or of usage buckets: those
    tables hold no factor. -#}
{% macro touched_predicates(column, grain, around=0) %}
    {%- set pending = ref('int_loads_pending') -%}
    {%- if not execute or touches_all(grain) -%}{{ return(['1 = 1']) }}{%- endif -%}
    {%- set parts = [] -%}
    {%- for first, after in touched_spans(grain, around=around) -%}
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
{% macro touched_spans(grain, most=24, around=0) %}
    {{ return(literal_spans(grain, touched_parts_sql(grain, around), most)) }}
{% endmacro %}

{#- The touched partitions of a grain, one row each, column part. -#}
{% macro touched_parts_sql(grain, around) %}
    {%- set unit = grain_unit(grain) -%}
    {%- set kinds = "'buckets'" if grain == 'bucket_day' else "'events', 'links'" -%}
    {%- set part = "date_trunc('" ~ unit ~ "', usage_hour)" -%}
    {%- for step in range(-around, around + 1) %}
select cast({{ part }}{{ ' + interval (' ~ step ~ ') ' ~ unit if step }} as {{ grain_type(grain) }}) as part
from {{ ref('int_loads_pending') }}
where row_kind in ({{ kinds }})
    {{- ' union ' if not loop.last }}
    {%- endfor %}
{% endmacro %}

{% macro grain_unit(grain) %}{{ return({'activity_day': 'day', 'bucket_day': 'day'}.get(grain, grain)) }}{% endmacro %}
{% macro grain_type(grain) %}{{ return('timestamp' if grain == 'hour' else 'date') }}{% endmacro %}

{#- Partitions given by a query as literals [first, after), merged to at most `most` spans. -#}
{% macro literal_spans(grain, parts_sql, most=24) %}
    {%- set rows = run_query(spans_sql(grain, parts_sql, most)).rows -%}
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

{% macro spans_sql(grain, parts_sql, most) %}
    {%- set unit = grain_unit(grain) -%}
    {%- set type = grain_type(grain) -%}
with touched as (
    select distinct part
    from ({{ parts_sql }}) as parts
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
