{#- The low value is not above the central one, nor that above the high one. -#}
{% test ordered_values(model) %}
select
    factor_file,
    factor_id,
    value_low,
    value_mid,
    value_high
from {{ model }}
where value_low is null or value_mid is null or value_high is null
    or value_low > value_mid or value_mid > value_high or value_low < 0
{% endtest %}

{#- At any day at most one row of a key is valid, corrected rows aside. -#}
{% test no_validity_overlap(model) %}
with standing as (
    select * from {{ model }} where not is_corrected
)

select
    earlier.factor_file,
    earlier.factor_id,
    later.factor_id as overlapping_factor_id
from standing as earlier
inner join standing as later
    on earlier.org_id = later.org_id
        and earlier.factor_type = later.factor_type
        and earlier.key = later.key
        and earlier.factor_id <> later.factor_id
        and earlier.valid_from <= later.valid_from
        and later.valid_from < coalesce(earlier.valid_to, {{ end_of_time() }})
where earlier.known_to = {{ end_of_time() }} and later.known_to = {{ end_of_time() }}
    -- Terms made from an energy per call give way to those recorded themselves.
    and (earlier.org_id = '*' or earlier.method = later.method)
{% endtest %}

{#- A shared row ends only where the next row of its key begins, so no day after the first lacks a
    value. -#}
{% test no_validity_gap(model) %}
with standing as (
    select * from {{ model }} where not is_corrected and org_id = '*'
)

select
    ended.factor_file,
    ended.factor_id,
    ended.valid_to
from standing as ended
left join standing as following
    on ended.factor_type = following.factor_type
        and ended.key = following.key
        and ended.valid_to = following.valid_from
where ended.valid_to is not null and following.factor_id is null
{% endtest %}

{#- Every type and unit is in the list of `accepted_units`, so that no file mixes grams with kilograms. -#}
{% test accepted_unit(model, units) %}
select
    factors.factor_file,
    factors.factor_id,
    factors.factor_type,
    factors.unit
from {{ model }} as factors
left join {{ units }} as accepted
    on factors.factor_type = accepted.factor_type and factors.unit = accepted.unit
where accepted.factor_type is null
{% endtest %}

{#- No row lacks a value in these columns; one test for all of them. -#}
{% test has_values(model, columns, told_by) %}
select
    '{{ model.identifier }}' as factor_file,
    {{ told_by }},
    concat_ws(
        ', '
        {%- for column in columns %},
        case when {{ column }} is null then '{{ column }}' end
        {%- endfor %}
    ) as missing
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}

{#- An optional set has a name of its own, and so has each of its files: a figure tells its set by them. -#}
{% test sets_of_their_own(model) %}
select distinct
    optional.factor_file,
    optional.factor_id,
    optional.factor_set_id
from {{ model }} as optional
inner join {{ ref('int_factor_rows') }} as shipped
    on (optional.factor_set_id = shipped.factor_set_id or optional.factor_file = shipped.factor_file)
        and optional.factor_id <> shipped.factor_id
left join {{ model }} as others on shipped.factor_id = others.factor_id
where others.factor_id is null
{% endtest %}
