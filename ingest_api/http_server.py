"""granian, as this service runs it: embedded in its event loop, on tokio's multi-thread runtime.

Belongs here: granian's options, and knowing when it answers. Does not belong here: what is
answered (``rsgi``), or when the service stops (``service``).

granian offers a choice of two runtimes, but not to its embedded server, which takes the one bound
to a single thread. That one is woken by a system call for every answer, even while it is awake;
the other, with as many threads, is not.
"""

from __future__ import annotations

import asyncio
from typing import Any

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.server import embed

from ecomind.settings import Settings
from ingest_api.rsgi import Application

_BACKLOG = 2048
_BACKPRESSURE = 4096
_ONE_THREAD: Any = embed.RSGIWorker  # type: ignore[attr-defined]


class _MultiThread:
    """A worker that serves on the other runtime when it is asked to serve on its own."""

    def __init__(self, *options: Any) -> None:
        self._worker = _ONE_THREAD(*options)

    def serve_async(self, *options: Any) -> None:
        self._worker.serve_mtr(*options)


embed.RSGIWorker = _MultiThread  # type: ignore[attr-defined, assignment]


def make_server(settings: Settings, application: Application) -> embed.Server:
    """The server; its ``serve`` runs in the event loop until ``stop``."""
    return embed.Server(
        application,
        address=settings.host,
        port=settings.ingest_port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_BACKPRESSURE,
        log_enabled=False,
        ssl_cert=settings.ingest_tls_cert_file,
        ssl_key=settings.ingest_tls_key_file,
        ssl_protocol_min=SSLProtocols.tls12,
    )


async def wait_for_answer(settings: Settings, serving: asyncio.Task[None]) -> None:
    """Wait until the server takes connections, or has ended."""
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(settings.host, settings.ingest_port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        return
