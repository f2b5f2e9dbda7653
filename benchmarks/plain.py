"""The yardstick: the base of all marts from landed files, by one plain DuckDB statement.

Belongs here: filling ``plain.sql`` in, running it, and comparing its result with the marts. Does
not belong here: anything the pipeline uses.

The statement computes the token route, which is the route of every synthetic call, from the
method's formulas written out anew; so that equal totals are also a check of the marts.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

from benchmarks.measure import Cost
from ecomind.settings import Settings

_STATEMENT = Path(__file__).with_name("plain.sql")
_SCENARIOS = ("low", "mid", "high")
_FACILITY = ("facility_key", "provider_key")
_WATER = ("placed.zone_id", "zones.fallback_water_zone_id")
_FACTORS = {
    "pue": ("pue", _FACILITY),
    "wue": ("wue", _FACILITY),
    "market": ("grid_market", _FACILITY),
    "grid": ("grid_location", ("placed.zone_id",)),
    "water": ("water_offsite", _WATER),
    "dry": ("water_offsite_without_hydro", _WATER),
    "embodied": ("embodied", ("'*'",)),
}
"""Type of each factor, and its keys: the first that has a row is taken."""
_MARKET = "coalesce(market_{s}, grid_{s})"
_METRICS = {
    "it_energy_{s}_kwh": "it_{s}",
    "energy_{s}_kwh": "it_{s} * pue_{s}",
    "water_onsite_{s}_l": "it_{s} * wue_{s}",
    "water_offsite_{s}_l": "it_{s} * pue_{s} * water_{s}",
    "water_{s}_l": "it_{s} * (wue_{s} + pue_{s} * water_{s})",
    "water_offsite_without_hydro_{s}_l": "it_{s} * pue_{s} * dry_{s}",
    "co2e_location_{s}_kg": "it_{s} * pue_{s} * grid_{s} / 1000",
    "co2e_market_{s}_kg": f"it_{{s}} * pue_{{s}} * {_MARKET} / 1000",
    "co2e_embodied_{s}_kg": "it_{s} * embodied_{s} / 1000",
    "co2e_total_location_{s}_kg": "it_{s} * (pue_{s} * grid_{s} + embodied_{s}) / 1000",
    "co2e_total_market_{s}_kg": f"it_{{s}} * (pue_{{s}} * {_MARKET} + embodied_{{s}}) / 1000",
}
METRICS = [name.format(s=s) for name in _METRICS for s in _SCENARIOS]
_MART_KEYS = ("", "team_id,", "user_id, team_id,", "provider, model,", "provider, region, zone_id,")
COUNTS = ["events", "calls", "input_tokens", "cached_input_tokens", "output_tokens"]
DEDUPS = {
    # A window over whole rows.
    "window": """events as (
    select * from source
    qualify row_number() over (
        partition by org_id, source, event_id, date_trunc('hour', occurred_at) order by received_at
    ) = 1
)""",
    # Only keys that occur more than once go through the window.
    "repeats": """keyed as (
    select *, hash(org_id, source, event_id, date_trunc('hour', occurred_at)) as key from source
),
repeated as materialized (
    select key from keyed group by key having count(*) > 1
),
events as (
    select * from keyed anti join repeated using (key)
    union all
    select * from keyed semi join repeated using (key)
    qualify row_number() over (
        partition by org_id, source, event_id, date_trunc('hour', occurred_at) order by received_at
    ) = 1
)""",
}


def _it_kwh(s: str) -> str:
    """IT energy of the token route in kWh: output, attention and input terms."""
    return f"""case when is_batch then p.batch_tier_factor_{s} else 1 end * (
            output_tokens / 1e3 * m.model_output_{s}
            + output_context / 1e6 * m.model_context_{s}
            + (
                input_tokens + p.cached_input_ratio_{s} * cached_input_tokens
                + (input_context + p.cached_input_ratio_{s} * cached_context)
                / p.attention_context_tokens_{s}
            ) / 1e3 * m.model_input_{s}
        ) / 1e3 as it_{s}"""


def _factor_joins(name: str) -> str:
    kind, keys = _FACTORS[name]
    return "\n    ".join(
        f"left join factors as {name}_{number} on {name}_{number}.factor_type = '{kind}'"
        f" and {name}_{number}.key = {key} and usage_date >= {name}_{number}.effective_from"
        f" and usage_date < {name}_{number}.effective_to"
        for number, key in enumerate(keys)
    )


def _found(name: str, s: str) -> str:
    rows = [f"{name}_{number}.value_{s}" for number, _ in enumerate(_FACTORS[name][1])]
    return f"coalesce({', '.join(rows)}) as {name}_{s}"


def statement(files: list[str], target: str, dedup: str) -> str:
    """The one statement, for these files."""
    return _STATEMENT.read_text(encoding="utf-8").format(
        files=repr(files),
        target=target,
        dedup=DEDUPS[dedup],
        it_kwh=",\n        ".join(_it_kwh(s) for s in _SCENARIOS),
        found=",\n        ".join(_found(name, s) for name in _FACTORS for s in _SCENARIOS),
        factors="\n    ".join(_factor_joins(name) for name in _FACTORS),
        metrics=",\n    ".join(
            f"{formula.format(s=s)} as {name.format(s=s)}"
            for name, formula in _METRICS.items()
            for s in _SCENARIOS
        ),
    )


def _timed(connection: duckdb.DuckDBPyConnection, text: str) -> Cost:
    start, used = time.perf_counter(), time.process_time()
    connection.execute(text)
    connection.execute("checkpoint")
    return Cost(time.perf_counter() - start, time.process_time() - used)


def run(settings: Settings, output: Path, dedup: str) -> dict[str, Cost]:
    """Run the statement into a new DuckDB file; also what else the pipeline keeps, plainly.

    Costs, each with its checkpoint: ``base`` is the one statement; ``raw`` copies every column of
    every event into a table; ``marts`` sums the base up to the five footprint marts.
    """
    files = sorted(str(path) for path in (settings.landing_dir / "events").rglob("*.parquet"))
    output.unlink(missing_ok=True)
    raw = (
        "create table raw_events as select *, parse_filename(filename) as landed_file"
        f" from read_parquet({files!r}, filename = true, hive_partitioning = false)"
    )
    sums = ", ".join(f"sum({name}) as {name}" for name in (*COUNTS, *METRICS))
    marts = ";".join(
        f"create table mart_{number} as select usage_date, org_id, {keys} {sums}"
        " from usage_footprint_daily group by all"
        for number, keys in enumerate(_MART_KEYS)
    )
    with duckdb.connect(output) as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        connection.execute(f"set threads = {settings.duckdb_threads}")
        connection.execute(f"set memory_limit = '{settings.duckdb_memory_limit}'")
        connection.execute(f"attach '{settings.marts_database}' as marts (read_only)")
        return {
            "base": _timed(connection, statement(files, "usage_footprint_daily", dedup)),
            "raw": _timed(connection, raw),
            "marts": _timed(connection, marts),
        }


def differing_groups(settings: Settings, output: Path) -> int:
    """Organisation-days in which any figure of the marts' base differs from the plain one."""
    names = [*COUNTS, *METRICS]
    sums = ", ".join(f"sum({name}) as {name}" for name in names)
    grouped = "select usage_date, org_id, {sums} from {table} group by all"
    ours = grouped.format(sums=sums, table="marts.intermediate.usage_footprint_daily")
    theirs = grouped.format(sums=sums, table="usage_footprint_daily")
    same = " and ".join(
        f"abs(a.{name} - b.{name}) <= 1e-9 * greatest(abs(a.{name}), abs(b.{name}))"
        for name in names
    )
    with duckdb.connect(output) as connection:
        connection.execute(f"attach '{settings.marts_database}' as marts (read_only)")
        row = connection.execute(
            f"select count(*) filter (not coalesce({same}, false)), count(*) from ({ours}) as a"
            f" full join ({theirs}) as b using (usage_date, org_id)"
        ).fetchone()
    if row is None or row[1] == 0:
        raise ValueError("there is nothing to compare")
    return int(row[0])


if __name__ == "__main__":
    costs = run(Settings(), Path(sys.argv[1]), sys.argv[2])
    print(json.dumps({n: {"wall_s": c.wall_s, "cpu_s": c.cpu_s} for n, c in costs.items()}))
