{{ config(alias='rpt_datapoint', group='reporting') }}
{%- set months %}(select distinct org_id, {{ month_start('usage_date') }} as period_start from {{ frozen_days() }} as days){% endset %}
select datapoints.*
from {{ local('rpt_datapoint') }} as datapoints
left join {{ months }} as reported
    on datapoints.org_id = reported.org_id and datapoints.period_start = reported.period_start
where reported.org_id is null
union all
select points.*
from (
{{ report_datapoints(
    '(' ~ usage_footprint(
        usage_by_profile(local('int_usage_daily')), local('int_factors_applied_as_reported_daily'), [], 'inner'
    ) ~ ') as usage', local('report_datapoints'), 'usage_footprint_as_reported_daily'
) }}
) as points
