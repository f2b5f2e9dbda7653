"""Landed files of invented calls, written by DuckDB as fast as it can.

Belongs here: the shape of the invented load and files equal to the contract. Does not belong
here: the demonstration's story (``ecomind.demo``) or sending anything over HTTP.

Every value is a function of the call's number, so any range of calls is the same whoever writes
it and in whatever pieces. Calls come in sessions (of six unless told) by one user; users differ in
activity; days have a working-hours shape; one row in a hundred repeats an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ecomind.contract.event import EVENTS, OUTCOMES
from ecomind.contract.fields import Field, Table
from ecomind.contract.landing import LandedName, arrow_schema, folder

_SQL_TYPES = {
    "string": "varchar",
    "tags": "varchar",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "timestamp": "timestamptz",
}
_MODELS = (
    ("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("openai", "gpt-4.1"),
    ("openai", "o3-mini"), ("azure-openai", "gpt-4o-2024-08-06"), ("azure-openai", "gpt-4.1-mini"),
    ("anthropic", "claude-sonnet-4-20250514"), ("anthropic", "claude-3-5-haiku-latest"),
    ("aws-bedrock", "meta.llama3-1-70b-instruct-v1:0"), ("google", "gemini-2.5-flash"),
    ("mistral", "mistral-large-latest"), ("groq", "llama-3.3-70b-versatile"),
)  # fmt: skip
_REGIONS = ("eastus", "westeurope", "swedencentral", "us-east-1", "eu-west-1", "europe-west1")
NODE = "bench"
ORGANIZATIONS_COUNT, USERS_COUNT = 20, 5000


@dataclass(frozen=True, slots=True)
class Load:
    """A synthetic load: how many calls, over which days, in files of how many."""

    events_count: int
    days_count: float = 30
    file_events: int = 100_000
    last_day: datetime = datetime(2026, 10, 31, tzinfo=UTC)
    session_calls: int = 6

    @property
    def files_count(self) -> int:
        """Files of events."""
        return -(-self.events_count // self.file_events)

    @property
    def start(self) -> datetime:
        """Start of the first day."""
        return self.last_day - timedelta(days=self.days_count - 1)


def _list(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def _chance(salt: str, of: str = "call") -> str:
    """A number from 0 to below 1, fixed by ``of`` and the salt."""
    return f"(hash({of}, '{salt}') % 1000003) / 1000003.0"


_PROVIDERS = _list(tuple(provider for provider, _ in _MODELS))
_NAMES = _list(tuple(model for _, model in _MODELS))
_VALUES: dict[str, str] = {
    "org_id": f"'org' || lpad((user_number % {ORGANIZATIONS_COUNT})::varchar, 2, '0')",
    "key_id": "'benchkey'",
    "received_at": "received_at",
    "receipt_id": "'rcp_' || (row_number // 500)",
    "adapter": "'native'",
    "event_id": "md5(call::varchar)",
    "source": "'urn:ecomind:gateway'",
    "occurred_at": "occurred_at",
    "project_id": "'project-' || (user_number % 7)",
    "environment": "'prod'",
    "team_id": "'team-' || (user_number % 40)",
    "user_id": "'u_' || left(md5(user_number::varchar), 26)",
    "provider": f"{_PROVIDERS}[model_number]",
    "request_model": f"{_NAMES}[model_number]",
    "http_status": "200",
    "stream": "call % 3 = 0",
    "input_tokens": f"20 + (8000 * pow({_chance('in')}, 3))::bigint",
    "output_tokens": f"5 + (1500 * pow({_chance('out')}, 2))::bigint",
    "cache_read_input_tokens": "case when call % 4 = 0 then 16 end",
    "duration_ms": f"200.0 + 9000 * {_chance('took')}",
    "region": f"{_list(_REGIONS)}[1 + (user_number % 6)]",
    "region_source": "'configured'",
    "cost_amount": f"0.02 * {_chance('cost')}",
    "cost_currency": "'USD'",
    "trace_id": "md5('trace' || call)",
}


def _value(field: Field) -> str:
    if field.name in _VALUES:
        return _VALUES[field.name]
    if field.default is None:
        return "null"
    return f"'{field.default}'" if isinstance(field.default, str) else str(field.default)


def events_select(load: Load, first: int, after: int) -> str:
    """Rows ``first`` to before ``after`` of a load, with the contract's columns and types."""
    columns = ", ".join(
        f'cast({_value(field)} as {_SQL_TYPES[field.kind]}) as "{field.name}"'
        for field in EVENTS.fields
    )
    days_per_call = load.days_count / load.events_count
    session = f"call // {load.session_calls}"
    return f"""
    with numbered as (
        select
            i as row_number,
            case
                when hash(i, 'repeat') % 100 = 0 and i > 1000 then i - 1 - hash(i) % 1000 else i
            end as call
        from range({first}, {after}) as r(i)
    ),
    timed as (
        select
            row_number,
            call,
            (pow({_chance("who", session)}, 2) * {USERS_COUNT})::bigint as user_number,
            floor(call * {days_per_call!r}::double) as day_number,
            2 * (call * {days_per_call!r}::double - day_number) - 1 as v
        from numbered
    ),
    placed as (
        select
            row_number,
            call,
            user_number,
            1 + ((user_number + (hash({session}, 'model') % 3)) % {len(_MODELS)})::bigint
                as model_number,
            timestamptz '{load.start.isoformat()}' + to_microseconds(
                ((day_number * 86400 + 43200 + 43190 * (0.6 * v * v * v + 0.4 * v)) * 1e6)::bigint
            ) as occurred_at,
            occurred_at + to_microseconds((1e6 * (row_number - call + 1))::bigint) as received_at
        from timed
    )
    select {columns} from placed
    """


def write_files(landing_dir: Path, load: Load) -> None:
    """Land a load: files of events, each with its file of outcomes, numbered from one."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for number in range(load.files_count):
            first = number * load.file_events
            after = min(first + load.file_events, load.events_count)
            select = events_select(load, first, after)
            land_select(connection, landing_dir, number + 1, select)


def land_select(
    connection: duckdb.DuckDBPyConnection, landing_dir: Path, sequence: int, select: str
) -> None:
    """Land the rows of a query as one file of events with its file of outcomes."""
    landing_dir.mkdir(parents=True, exist_ok=True)
    written = landing_dir / f".{sequence}.tmp"
    connection.execute(f"copy ({select}) to '{written}' (format parquet, compression zstd)")
    row = connection.execute(
        "select count(*), epoch_us(min(received_at)), epoch_us(max(received_at))"
        f" from read_parquet('{written}')"
    ).fetchone()
    assert row is not None
    first, last = (datetime.fromtimestamp(value / 1e6, UTC) for value in row[1:])
    written.rename(_path(landing_dir, EVENTS, sequence, first))
    outcome = {
        "node": NODE, "sequence": sequence, "segment": f"s{sequence}", "sealed_at": last,
        "events_count": row[0], "rejects_count": 0, "damaged_count": 0, "torn_bytes": 0,
        "first_received_at": first, "last_received_at": last,
    }  # fmt: skip
    pq.write_table(
        pa.Table.from_pylist([outcome], schema=arrow_schema(OUTCOMES)),
        _path(landing_dir, OUTCOMES, sequence, first),
    )


def _path(landing_dir: Path, table: Table, sequence: int, received: datetime) -> Path:
    """Path of a landed file, its folder made."""
    parent = landing_dir / folder(table, received.date())
    parent.mkdir(parents=True, exist_ok=True)
    return parent / str(LandedName(NODE, sequence, f"s{sequence}"))
