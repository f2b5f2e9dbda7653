{#- Rows of the factor sets the user added, from the files that match ECOMIND_OPTIONAL_FACTORS; columns
    given as name: type. No seeds: which files there are may change while services that know the graph
    are running. -#}

{% macro optional_factor_rows(columns) %}
{{ return(adapter.dispatch('optional_factor_rows', 'ecomind')(columns)) }}
{% endmacro %}

{#- No files of the user but for DuckDB. -#}
{% macro default__optional_factor_rows(columns) %}
select
    {%- for name, type in columns.items() %}
    cast(null as {{ type }}) as {{ name }},
    {%- endfor %}
    cast(null as {{ dbt.type_string() }}) as factor_file
where false
{% endmacro %}

{% macro duckdb__optional_factor_rows(columns) %}
{%- set pattern = env_var('ECOMIND_OPTIONAL_FACTORS', '') | replace("'", "''") -%}
{%- if execute and pattern and run_query("select count(*) from glob('" ~ pattern ~ "')").columns[0].values()[0] -%}
select
    {{ columns | join(',\n    ') }},
    parse_filename(filename, true) as factor_file
from read_csv(
    '{{ pattern }}',
    header = true,
    delim = ',',
    quote = '"',
    escape = '"',
    union_by_name = true,
    filename = true,
    types = { {%- for name, type in columns.items() %}'{{ name }}': '{{ type }}'{{ ', ' if not loop.last }}{% endfor -%} }
)
{%- else -%}
{{ default__optional_factor_rows(columns) }}
{%- endif -%}
{% endmacro %}
