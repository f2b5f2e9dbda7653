"""``python -m ingest_api.worker N``: one of several workers of a service.

Belongs here: what a worker hears from its supervisor and says to it, a line at a time. Does not
belong here: anything a service of one process does not have.
"""

from __future__ import annotations

import asyncio
import signal
import sys

import msgspec
import uvloop

from ecomind.identity import Actor, IdentityError, IdentityStore, open_store
from ecomind.settings import Settings, get_settings
from ingest_api import logs
from ingest_api.children import ASK, SEALER_DOWN, SEALER_UP, Word
from ingest_api.service import Service

_encode = msgspec.json.Encoder().encode


def _say(word: Word) -> None:
    sys.stdout.buffer.write(_encode(word) + b"\n")
    sys.stdout.buffer.flush()


class _Worker:
    def __init__(self, settings: Settings, store: IdentityStore) -> None:
        self._is_sealer_running = True
        self.service = Service(
            settings,
            store,
            lambda: self._is_sealer_running,
            lambda reason: _say(Word(failed=reason)),
        )

    async def hear(self) -> None:
        """Do what the supervisor says; its silence is the request to stop."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async for line in reader:
            if line == ASK:
                _say(Word(state=self.service.state, totals=self.service.totals))
            elif line in (SEALER_UP, SEALER_DOWN):
                self._is_sealer_running = line == SEALER_UP
        self.service.request_stop()


async def _work(settings: Settings, store: IdentityStore) -> int:
    worker = _Worker(settings, store)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.service.request_stop)
    hearing = asyncio.create_task(worker.hear())
    code = await worker.service.run(lambda: _say(Word(is_ready=True)))
    # The last word, so that what was counted since the last look is not forgotten.
    _say(Word(state=worker.service.state, totals=worker.service.totals))
    hearing.cancel()
    return code


def main(arguments: list[str]) -> int:
    """Run a worker until its supervisor lets go of it; returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The supervisor decides when to stop.
    settings = get_settings()
    logs.configure(f"worker {arguments[0]}", says_requests=settings.ingest_access_log)
    try:
        store = open_store(settings, Actor.system("ingest"))
    except IdentityError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_work(settings, store))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
