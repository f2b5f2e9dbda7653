{{ config(alias='rpt_datapoint', group='reporting') }}
{%- set base = ref('usage_footprint_as_reported_daily').include(database=false) %}
{%- set months %}(select distinct org_id, {{ month_start('usage_date') }} as period_start from {{ base }}){% endset %}
select datapoints.*
from {{ ref('rpt_datapoint').include(database=false) }} as datapoints
left join {{ months }} as reported
    on datapoints.org_id = reported.org_id and datapoints.period_start = reported.period_start
where reported.org_id is null
union all
select points.*
from (
{{ report_datapoints(
    base ~ ' as usage', ref('report_datapoints').include(database=false), 'usage_footprint_as_reported_daily'
) }}
) as points
