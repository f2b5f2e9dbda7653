"""The load: everything new in the landing zone, and the control store, into ``raw``.

Belongs here: the dlt resources and one call that runs them exactly once per landed file. Does
not belong here: scheduling, or knowing what the columns mean.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.load.exceptions import LoadClientJobException
from dlt.pipeline.exceptions import PipelineStepFailed

from dlt_pipelines.columns import FROZEN, dlt_columns
from dlt_pipelines.erasure import rewrite_unloaded
from dlt_pipelines.landing_zone import (
    LocalFile,
    Readable,
    Unreadable,
    fetched,
    judge_file,
    new_files,
    set_aside,
)
from dlt_pipelines.ledger import cursors, roll_back_incomplete_loads
from dlt_pipelines.retention import ensure_horizons
from ecomind.contract.fields import Table
from ecomind.contract.landing import arrow_schema
from ecomind.contract.raw import (
    CONTROL_ALERT_RULES,
    CONTROL_FACTOR_OVERRIDES,
    CONTROL_ORGANIZATIONS,
    CONTROL_PERIOD_FREEZES,
    CONTROL_TEAMS,
    CONTROL_USERS,
    LANDED_TO_RAW,
    LOAD_OUTCOMES,
    RAW_SCHEMA,
    USAGE_EVENTS,
)
from ecomind.errors import EcoMindError
from ecomind.identity import Actor, IdentityStore, open_store
from ecomind.landing_zone import LandingZone, NotVerified, open_zone
from ecomind.loaded import LOADED_NAME, Loaded
from ecomind.settings import Settings

PIPELINE_NAME = "ecomind_raw"
_log = logging.getLogger("dlt_pipelines")
IN_PROGRESS = "load-in-progress"
"""Marker beside the raw store while a load runs; found at a start, the last load was cut off."""

_FILES_PER_QUERY = 2000
"""One query is one retriable load job; far longer lists of files make unwieldy SQL."""


class LoadError(EcoMindError):
    """The load failed as a whole; says why in one sentence. Nothing was loaded."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load did: its id, rows per raw table, files loaded and files set aside."""

    load_id: str | None
    rows: Mapping[str, int]
    files_count: int
    set_aside: tuple[Unreadable, ...]

    @property
    def events_count(self) -> int:
        """Events loaded."""
        return self.rows.get(USAGE_EVENTS.name, 0)


@dataclass(slots=True)
class _Batch:
    """The new files of one landed table, judged."""

    landed: Table
    raw: Table
    readable: list[Readable] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


def _judge(batch: _Batch, files: Sequence[LocalFile], *, thoroughly: bool) -> None:
    batch.readable.clear()
    for file in files:
        verdict = judge_file(file, batch.landed, thoroughly=thoroughly)
        if isinstance(verdict, Readable):
            batch.readable.append(verdict)
        else:
            batch.unreadable.append(verdict)


def _new_batches(settings: Settings, zone: LandingZone) -> list[_Batch]:
    seen = cursors(settings.raw_database)
    batches = []
    for landed, raw in LANDED_TO_RAW:
        batch = _Batch(landed, raw)
        files = new_files(zone, landed, seen[raw.name])
        folder = _fetched_dir(settings) / landed.name
        _judge(batch, fetched(zone, files, folder), thoroughly=False)
        batches.append(batch)
    return batches


def _fetched_dir(settings: Settings) -> Path:
    """Copies of a remote zone's new files; they last as long as the load."""
    return settings.dlt_dir / "fetched"


def _pipeline(settings: Settings) -> dlt.Pipeline:
    dlt.config["runtime.dlthub_telemetry"] = False
    dlt.config["runtime.log_level"] = "ERROR"  # Failures are raised; the rest is noise here.
    # What fails here fails again at once; trying later is the orchestrator's part.
    dlt.config["load.raise_on_max_retries"] = 1
    dlt.config["load.delete_completed_jobs"] = True  # They hold names of people.
    dlt.config["normalize.model_normalizer.add_dlt_load_id"] = True
    dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
    credentials = DuckDbCredentials(str(settings.raw_database))
    credentials.global_config = {
        "preserve_insertion_order": False,
        "memory_limit": settings.duckdb_memory_limit,
        "threads": settings.duckdb_threads,
        "TimeZone": "UTC",
    }
    return dlt.pipeline(
        PIPELINE_NAME,
        destination=dlt.destinations.duckdb(credentials),
        dataset_name=RAW_SCHEMA,
        pipelines_dir=str(settings.dlt_dir),
    )


def _resource(rows: Callable[[], Iterator[Any]], table: Table, disposition: str) -> Any:
    resource: Any = dlt.resource
    return resource(
        rows,
        name=table.name,
        write_disposition=disposition,
        columns=dlt_columns(table),
        schema_contract=FROZEN,
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _select(table: Table, paths: list[Path]) -> str:
    """One relation over all files; the empty contract file gives older files new columns."""
    columns = ", ".join(f'"{column.name}"' for column in table.fields)
    files = ", ".join(_quoted(str(path)) for path in paths)
    return (
        f"select {columns}, parse_filename(filename) as landed_file"
        f" from read_parquet([{files}], filename = true, union_by_name = true,"
        " hive_partitioning = false)"
    )


def _landed_resource(pipeline: dlt.Pipeline, batch: _Batch, contract_file: Path) -> Any:
    columns = dlt_columns(batch.raw)

    def rows() -> Iterator[Any]:
        paths = [readable.path for readable in batch.readable]
        # Without new files still one query: dlt's own way to make an empty table gives it a
        # required row id, which no later query could fill.
        for start in range(0, max(1, len(paths)), _FILES_PER_QUERY):
            query = _select(batch.landed, [contract_file, *paths[start : start + _FILES_PER_QUERY]])
            relation = pipeline.dataset()(query, "duckdb", _execute_raw_query=True)
            yield dlt.mark.with_hints(relation, dlt.mark.make_hints(columns=columns))

    return _resource(rows, batch.raw, "append")


def _outcome_rows(batches: list[_Batch], now: datetime) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for batch in batches:
        verdicts: list[Readable | Unreadable] = [*batch.readable, *batch.unreadable]
        for verdict in verdicts:
            loaded = isinstance(verdict, Readable)
            rows.append(
                {
                    "table_name": batch.raw.name,
                    "landed_file": str(verdict.file.name),
                    "received_date": verdict.file.received_date.isoformat(),
                    "result": "loaded" if loaded else "set_aside",
                    "rows_count": verdict.rows_count if isinstance(verdict, Readable) else None,
                    "reason": verdict.reason if isinstance(verdict, Unreadable) else None,
                    "loaded_at": now,
                }
            )
    return rows


def _rows_resource(table: Table, rows: list[dict[str, Any]], disposition: str) -> Any:
    """A small table given as rows; arrives as Arrow, so dlt adds no row ids of its own."""
    fields = [column for column in table.fields if not column.name.startswith("_dlt_")]
    schema = arrow_schema(Table(table.name, table.grain, table.description, tuple(fields)))

    def given() -> Iterator[pa.Table]:
        yield pa.Table.from_pylist(rows, schema=schema)

    return _resource(given, table, disposition)


def _users(store: IdentityStore) -> list[dict[str, Any]]:
    """The directory, and people under erasure: nameless, until their calls have their team."""
    return [*store.directory.users(), *store.jobs.leaving_users()]


def _control_resources(store: IdentityStore) -> list[Any]:
    return [
        _rows_resource(CONTROL_ORGANIZATIONS, store.organizations.rows(), "replace"),
        _rows_resource(CONTROL_TEAMS, store.directory.teams(), "replace"),
        _rows_resource(CONTROL_USERS, _users(store), "replace"),
        _rows_resource(CONTROL_ALERT_RULES, store.rules.alerts(), "replace"),
        _rows_resource(CONTROL_FACTOR_OVERRIDES, store.overrides.rows(), "replace"),
        _rows_resource(CONTROL_PERIOD_FREEZES, store.freezes.rows(), "replace"),
    ]


def _contract_file(settings: Settings, table: Table) -> Path:
    """An empty Parquet file with every column of the contract, rewritten for each load."""
    path = settings.dlt_dir / f"{table.name}-contract.parquet"
    pq.write_table(arrow_schema(table).empty_table(), path)
    return path


def _run(settings: Settings, store: IdentityStore, batches: list[_Batch]) -> str:
    pipeline = _pipeline(settings)
    landed = [
        _landed_resource(pipeline, batch, _contract_file(settings, batch.landed))
        for batch in batches
    ]
    outcomes = _rows_resource(LOAD_OUTCOMES, _outcome_rows(batches, datetime.now(UTC)), "append")
    info = pipeline.run([*landed, outcomes, *_control_resources(store)])
    info.raise_on_failed_jobs()
    return str(info.loads_ids[0])


def _undo_cut_off_load(settings: Settings) -> None:
    """Forget a load that did not complete: its packages first, then its rows."""
    _pipeline(settings).abort_packages()
    roll_back_incomplete_loads(settings.raw_database)


def _failure(error: Exception) -> LoadError:
    """The innermost reason in one sentence."""
    reason: BaseException = error
    if isinstance(reason, PipelineStepFailed):
        reason = reason.exception
    if isinstance(reason, LoadClientJobException):
        reason = reason.client_exception
    text = " ".join(str(reason).split())
    if os.strerror(errno.ENOSPC) in text:
        return LoadError("the disk is full: nothing was loaded; free space, then load again")
    return LoadError(f"the load failed: {text}")


def load(settings: Settings) -> LoadResult:
    """Load every landed file not loaded before, and the control store.

    A file that cannot be read is set aside and reported; the rest loads. Raises ``LoadError``
    when the load as a whole fails; what was landed stays and the next load takes it up.
    """
    try:
        with _fetched_files_removed(settings):
            return _load(settings)
    except (PipelineStepFailed, OSError, NotVerified, duckdb.Error) as error:
        raise _failure(error) from error


@contextmanager
def _fetched_files_removed(settings: Settings) -> Iterator[None]:
    """Before and after: a load that was killed removes nothing."""
    shutil.rmtree(_fetched_dir(settings), ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(_fetched_dir(settings), ignore_errors=True)


def _load(settings: Settings) -> LoadResult:
    settings.dlt_dir.mkdir(parents=True, exist_ok=True)
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    in_progress = settings.warehouse_dir / IN_PROGRESS
    if in_progress.exists():
        _undo_cut_off_load(settings)
    in_progress.touch()
    store = open_store(settings, Actor.system("load"))
    zone = open_zone(settings)
    # What arrives of somebody erased arrives without them; also what was under way at that time.
    rewrite_unloaded(settings, store.tombstones(), store.jobs.erasures())
    batches = _new_batches(settings, zone)
    try:
        load_id = _run(settings, store, batches)
    except PipelineStepFailed as error:
        load_id = _retry_without_damaged_files(settings, store, batches, error)
    in_progress.unlink()
    ensure_horizons(settings.raw_database)
    _tell_how_far(settings, zone)
    for batch in batches:
        for unreadable in batch.unreadable:
            set_aside(zone, unreadable, settings.quarantine_dir)
    rows = {batch.raw.name: sum(r.rows_count for r in batch.readable) for batch in batches}
    aside = tuple(unreadable for batch in batches for unreadable in batch.unreadable)
    files_count = sum(len(batch.readable) for batch in batches)
    return LoadResult(load_id, rows, files_count, aside)


def _tell_how_far(settings: Settings, zone: LandingZone) -> None:
    """Leave a note for those who ask what became of an event; the load itself never reads it."""
    seen = cursors(settings.raw_database)
    sequences = {
        landed.name: {node: cursor.sequence for node, cursor in seen[raw.name].items()}
        for landed, raw in LANDED_TO_RAW
    }
    try:
        zone.put(LOADED_NAME, Loaded.now(sequences).encode())
    except (OSError, NotVerified) as error:  # The load is done; only who asks is told too little.
        _log.warning("how far the load came cannot be told: %s", error)


def _retry_without_damaged_files(
    settings: Settings, store: IdentityStore, batches: list[_Batch], error: PipelineStepFailed
) -> str:
    """A footer may be whole where a page is not: read every file through, then load the rest."""
    found_before = sum(len(batch.unreadable) for batch in batches)
    for batch in batches:
        _judge(batch, list(batch.readable), thoroughly=True)
    if sum(len(batch.unreadable) for batch in batches) == found_before:
        raise error
    _undo_cut_off_load(settings)
    return _run(settings, store, batches)
