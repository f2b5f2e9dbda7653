"""The method in one plain statement per event, without rollup, marts or macros.

Belongs here: an independent second computation of the footprint, straight from the factor files.
Does not belong here: reading anything dbt built.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.dbt_project.warehouse import ROOT

SEEDS = ROOT / "seeds"

FACTORS = """
create or replace temp table factor as
with rows as (
    select * from read_csv('{seeds}/factor_*.csv', union_by_name = true, types = {{
        'valid_from': 'date', 'valid_to': 'date', 'key': 'varchar',
        'value_low': 'double', 'value_mid': 'double', 'value_high': 'double'}})
)
select *, min(valid_from) over (partition by factor_type, key) as first_from from rows
"""

FIGURE = """
create or replace temp macro figure(kind, of_key, on_day, s) as (
    select case s when 'low' then value_low when 'mid' then value_mid else value_high end
    from factor
    where factor_type = kind and key = of_key
        and valid_from <= greatest(on_day, first_from)
        and (valid_to is null or greatest(on_day, first_from) < valid_to)
)
"""

PER_EVENT = """
with scenario(s) as (values ('low'), ('mid'), ('high')),
wh as (
    select c.*, s, case
        when measured_wh is not null then w * measured_wh
        when coalesce(input_tokens, 0) = 0 and coalesce(output_tokens, 0) = 0
            then n * w * 1000 * figure('model_call', model_key, day, s)
        else n * w * (
            out_call / 1000 * figure('model_output', model_key, day, s)
            + out_call / 1000 * figure('model_context', model_key, day, s)
                * (in_call + out_call / 2) / 1000
            + (in_call - cached_call
                + figure('method_parameter', 'cached_input_ratio', day, s) * cached_call) / 1000
                * figure('model_input', model_key, day, s) * (1 + in_call / 100000)
        ) end
        * case when is_batch and measured_wh is null
            then figure('method_parameter', 'batch_tier_factor', day, s) else 1 end as it_wh
    from (
        select *,
            case when coalesce(input_tokens, 0) = 0 then 1155.0 else input_tokens / n end
                as in_call,
            coalesce(cached_tokens, 0) / n as cached_call,
            coalesce(output_tokens, 0) / n as out_call
        from call
    ) as c cross join scenario
)
select day, s, sum(it_wh / 1000) as it_kwh, sum(it_wh / 1000 * pue) as kwh,
    sum(it_wh / 1000 * wue) as water_onsite, sum(it_wh / 1000 * pue * ewif) as water_offsite,
    sum(it_wh / 1000 * pue * dry) as water_offsite_without_hydro,
    sum(it_wh / 1000 * pue * grid / 1000) as location,
    sum(it_wh / 1000 * pue * market / 1000) as market,
    sum(it_wh / 1000 * embodied / 1000) as embodied
from (
    select *, figure('pue', pue_key, day, s) as pue, figure('wue', wue_key, day, s) as wue,
        figure('water_offsite', water_zone, day, s) as ewif,
        figure('water_offsite_without_hydro', dry_zone, day, s) as dry,
        figure('grid_location', zone, day, s) as grid,
        coalesce(figure('grid_market', market_key, day, s), figure('grid_location', zone, day, s))
            as market,
        figure('embodied', '*', day, s) as embodied
    from wh
) group by day, s
"""


def direct_footprint(call_sql: str, raw: Path | None = None) -> dict[tuple[str, str], list[float]]:
    """Footprint per (day, scenario) of the calls that ``call_sql`` selects.

    The statement must give day, model_key, zone, water_zone, dry_zone, pue_key, wue_key,
    market_key, n, w, input_tokens, cached_tokens, output_tokens, is_batch and measured_wh. Values:
    IT kWh, kWh, on-site and off-site litres, the latter also without hydro, location, market and
    embodied kg.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(FACTORS.format(seeds=SEEDS))
        connection.execute(FIGURE)
        if raw is not None:
            connection.execute(f"attach '{raw}' as raw_store (read_only)")
        connection.execute(f"create temp table call as {call_sql}")
        rows = connection.execute(PER_EVENT).fetchall()
    return {(str(day), scenario): list(values) for day, scenario, *values in rows}


def mart_sql(scenario: str) -> str:
    """The same columns from org_footprint_daily."""
    s = scenario
    return (
        f"select usage_date, it_energy_{s}_kwh, energy_{s}_kwh, water_onsite_{s}_l,"
        f" water_offsite_{s}_l, water_offsite_without_hydro_{s}_l,"
        f" co2e_location_{s}_kg, co2e_market_{s}_kg, co2e_embodied_{s}_kg"
        " from mart.org_footprint_daily where org_id = 'acme'"
    )
