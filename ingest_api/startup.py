"""What must hold before a service starts, told in one sentence when it does not.

Belongs here: checks of the surroundings. Does not belong here: running anything.
"""

from __future__ import annotations

import socket
import ssl
from importlib.metadata import PackageNotFoundError, version

from ecomind.settings import Settings
from ingest_api.landing.files import make_folder, try_lock
from ingest_api.landing.segment import remove_unnamed


class CannotStart(Exception):
    """Why the service does not start, in one sentence."""


def version_text() -> str:
    """The installed version."""
    try:
        return version("ecomind")
    except PackageNotFoundError:
        return "unknown"


def check_ports(settings: Settings) -> None:
    """Raises ``CannotStart`` when a port is taken."""
    _check_port_is_free(settings.host, settings.ingest_port, "ECOMIND_INGEST_PORT")
    if settings.ingest_metrics_port:
        host, port = settings.ingest_metrics_host, settings.ingest_metrics_port
        _check_port_is_free(host, port, "ECOMIND_INGEST_METRICS_PORT")


def _check_port_is_free(host: str, port: int, variable: str) -> None:
    # The server's own socket may share its port with others; this one may not.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = (error.strerror or "it cannot be bound").lower()
            raise CannotStart(f"cannot listen on {host}:{port}: {why}; set {variable}") from error


def hold_wal_folder(settings: Settings) -> int:
    """Take the log's folder for this service; the lock lasts until the process ends.

    Raises ``CannotStart``.
    """
    try:
        make_folder(settings.wal_dir)
        lock = try_lock(settings.wal_dir / "ingest.lock")
    except OSError as error:
        why = (error.strerror or "").lower()
        raise CannotStart(f"cannot use {settings.wal_dir}: {why}") from error
    if lock is None:
        raise CannotStart(f"another ingest service is at work in {settings.wal_dir}")
    remove_unnamed(settings.wal_dir)
    return lock


def check_certificate(settings: Settings) -> None:
    """Raises ``CannotStart`` when there is half a certificate, or one that cannot be used."""
    cert, key = settings.ingest_tls_cert_file, settings.ingest_tls_key_file
    if cert is None and key is None:
        return
    if cert is None or key is None:
        missing = "CERT" if cert is None else "KEY"
        raise CannotStart(f"TLS needs both files; set ECOMIND_INGEST_TLS_{missing}_FILE")
    for path, variable in ((cert, "CERT"), (key, "KEY")):
        try:
            path.read_bytes()
        except OSError as error:
            why = (error.strerror or "it cannot be read").lower()
            name = f"ECOMIND_INGEST_TLS_{variable}_FILE"
            raise CannotStart(f"cannot read {name} ({path}): {why}") from error
    try:
        # An empty passphrase, or OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except (ssl.SSLError, ValueError, OSError) as error:
        raise CannotStart(
            f"{cert} and {key} are not a PEM certificate and its key without a passphrase"
        ) from error
