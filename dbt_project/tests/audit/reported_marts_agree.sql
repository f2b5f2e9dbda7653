{{ config(tags=['audit']) }}
-- The five marts hold the same totals on every day as they were reported, to 1e-9; where something
-- became known since, these are those of their base.
{%- set tables = {} %}
{%- for name in ['org', 'team', 'user', 'model', 'region'] %}
{%- do tables.update({name: ref('as_reported_' ~ name ~ '_footprint_daily')}) %}
{%- endfor %}
{{ differing_totals(tables) }}
union all
select
    base.usage_date,
    base.org_id,
    1 as marts_found,
    true as differs
from (
    select
        usage_date,
        org_id,
        sum(energy_mid_kwh) as energy_mid_kwh,
        sum(events) as events
    from {{ ref('usage_footprint_as_reported_daily') }}
    group by usage_date, org_id
) as base
left join {{ ref('as_reported_org_footprint_daily') }} as marts
    on base.usage_date = marts.usage_date and base.org_id = marts.org_id
where marts.events is null
    or marts.events <> base.events
    or abs(marts.energy_mid_kwh - base.energy_mid_kwh) > 1e-9 * base.energy_mid_kwh
