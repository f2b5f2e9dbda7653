{#- What was known when. A row of the factor files is known from the day its set published it; the
    first set is taken as known ever since, so that no period lacks a figure. A mapping or a factor is
    never overwritten: a later row takes over from the day it is known. -#}

{% macro beginning() %}date '0001-01-01'{% endmacro %}

{#- End of what has no end yet. -#}
{% macro end_of_time() %}date '9999-12-31'{% endmacro %}

{#- The day of knowledge of the lens `restated`: everything known by now. -#}
{% macro latest_knowledge() %}date '9999-12-30'{% endmacro %}

{#- Day from which a row published on a day is known. -#}
{% macro known_from(published_at) -%}
case
    when {{ published_at }} <= (select min(published_at) from {{ ref('factor_method_parameters') }})
        then {{ beginning() }}
    else {{ published_at }}
end
{%- endmacro %}

{#- Whether row `alias` was known on a day. -#}
{% macro known_on(alias, day) -%}
{{ day }} >= {{ alias }}.known_from and {{ day }} < {{ alias }}.known_to
{%- endmacro %}

{#- A mapping seed with the days each row is known; the names are what a later row takes over by. -#}
{% macro known_mapping(seed, names) -%}
(
        select
            *,
            {{ known_from('published_at') }} as known_from,
            coalesce(
                lead(published_at) over (partition by {{ names | join(', ') }} order by published_at),
                {{ end_of_time() }}
            ) as known_to
        from {{ ref(seed) }}
    )
{%- endmacro %}

{#- The row of factor table `alias` that usage row `u` takes: of its organisation's factors, valid on
    the day of use, known on the day of knowledge. Intervals are half-open. -#}
{% macro in_force(alias) -%}
{{ alias }}.org_id = u.factor_org_id
            and u.usage_date >= {{ alias }}.effective_from and u.usage_date < {{ alias }}.effective_to
            and {{ known_on(alias, 'u.known_on') }}
{%- endmacro %}
