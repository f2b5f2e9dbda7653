"""Starting the server.

Belongs here: the socket and the server's options. Does not belong here: what is served.
"""

from __future__ import annotations

import errno
import socket

import uvicorn

from ecomind.identity import Actor, open_store
from ecomind.settings import Settings
from platform_api.app import create_app


class CannotServe(Exception):
    """The server cannot start; says why in one sentence."""


def listen(settings: Settings) -> socket.socket:
    """A socket bound to the platform's address. Raises ``CannotServe`` when it is taken."""
    host, port = settings.host, settings.platform_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise CannotServe(
                f"port {port} on {host} is in use: stop what uses it or set"
                " ECOMIND_PLATFORM_PORT to another port"
            ) from error
        raise CannotServe(f"{host}:{port} cannot be bound: {error.strerror}") from error
    return listener


def serve(settings: Settings) -> None:
    """Serve until interrupted. Raises ``CannotServe`` or ``IdentityError`` when it cannot start."""
    with listen(settings) as listener:
        app = create_app(settings, open_store(settings, Actor.system("platform")))
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, lifespan="on"
        )
        uvicorn.Server(config).run(sockets=[listener])
