{#- A footprint mart under the lens as_reported, as a view: the rows of the mart, save that the periods
    since whose freeze something became known are summed from what was known then. It travels inside
    the published file, hence no catalog name in it. -#}
{% macro as_reported_mart(mart, keys) %}
select
    marts.*
from {{ local(mart) }} as marts
left join {{ frozen_days() }} as reported
    on marts.org_id = reported.org_id and marts.usage_date = reported.usage_date
where reported.org_id is null
union all
{{ footprint_by(
    keys, local('int_usage_daily'), local('int_factors_applied_as_reported_daily'), local('dim_user'), 'inner'
) }}
{% endmacro %}

{#- Days of organisations that differ in what is known of them, as a relation. -#}
{% macro frozen_days() -%}
(select distinct org_id, usage_date from {{ local('int_factors_applied_as_reported_daily') }})
{%- endmacro %}
