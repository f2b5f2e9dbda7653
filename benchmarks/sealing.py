"""What does sealing an event cost, by how many events came in one request?

    python -m benchmarks.sealing --events 200000

The real intake writes the segments and the real sealer lands them, in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import msgspec

from benchmarks.measure import Cell, emit, show
from ecomind.identity import pseudonym
from ecomind.settings import Settings
from ingest_api.adapters import native_json
from ingest_api.adapters.base import Document
from ingest_api.credentials import Tenant
from ingest_api.ids import sortable
from ingest_api.intake import Intake, Request
from ingest_api.landing.log import EventLog, LogOptions
from ingest_api.landing.seal import Sealer

PER_REQUEST = (1, 10, 500)
_AT_ONCE = 100


class _NoHeaders:
    def get(self, key: str, default: str | None = None, /) -> str | None:
        return default


def _body(first: int, count: int) -> bytes:
    moment = datetime.now(UTC)
    event = {
        "occurred_at": moment, "provider": "openai", "request_model": "gpt-4o",
        "team_id": "search", "region": "westeurope", "input_tokens": 1200, "output_tokens": 350,
    }  # fmt: skip
    events = [
        {**event, "event_id": f"e-{number}", "user_id": f"u-{number % 100}"}
        for number in range(first, first + count)
    ]
    return msgspec.json.encode(events)


async def _fill(settings: Settings, events: int, per_request: int) -> None:
    def failed(reason: str) -> None:
        raise RuntimeError(reason)

    keyed = lru_cache(maxsize=None)(lambda value: pseudonym(b"benchmark", value))
    tenant = Tenant("bench", "benchmrk", False, keyed, frozenset())
    log = EventLog(LogOptions.of(settings), failed)
    intake = Intake(settings, log)

    async def send(first: int) -> None:
        document = Document(_body(first, per_request), _NoHeaders())
        outcome = await intake.receive(Request(native_json.ADAPTER, document, tenant, sortable()))
        assert outcome.accepted == per_request

    firsts = range(0, events, per_request)
    for start in range(0, len(firsts), _AT_ONCE):
        await asyncio.gather(*map(send, firsts[start : start + _AT_ONCE]))
    await log.close()


def measure(events: int, per_request: int) -> tuple[float, float]:
    """Processor microseconds and log bytes per event."""
    with tempfile.TemporaryDirectory(prefix="ecomind-benchmark-") as home:
        settings = Settings(home=Path(home))
        asyncio.run(_fill(settings, events, per_request))
        written = sum(path.stat().st_size for path in settings.wal_dir.glob("*.ready"))
        began_s = time.process_time()
        Sealer(settings).seal_waiting()
        return 1e6 * (time.process_time() - began_s) / events, written / events


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=200_000)
    arguments = parser.parse_args()
    measured = {count: measure(arguments.events, count) for count in PER_REQUEST}
    rows: list[list[Cell]] = [[count, *figures] for count, figures in measured.items()]
    show("sealing", ["events per request", "CPU us/event", "log bytes/event"], rows)
    cpu_us = {str(count): cpu for count, (cpu, _) in measured.items()}
    emit("sealing", {"events": arguments.events, "cpu_us": cpu_us})
    return 0


if __name__ == "__main__":
    sys.exit(main())
