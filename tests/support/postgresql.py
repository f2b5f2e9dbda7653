"""A real PostgreSQL on a socket of its own, from the operating system's packages.

Belongs here: starting, stopping and giving out empty schemas. Does not belong here: what is
tested on them. It refuses to run as root, so it then runs as another user.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

INSTALLED = Path("/usr/lib/postgresql")
_USER = "ecomind"
_STARTS_WITHIN_S = 60.0


def _binaries() -> Path | None:
    versions = sorted(INSTALLED.glob("*/bin"), key=lambda path: int(path.parent.name))
    return versions[-1] if versions else None


def _account() -> dict[str, Any]:
    """Arguments that make a child run as somebody who is not root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class Server:
    """A running server; ``schema`` gives out a new one each time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=str(self._folder), user=_USER, dbname="postgres", autocommit=True
        )

    def schema(self) -> str:
        """URL of an empty schema, which is much cheaper than a database of its own."""
        name = f"test_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://{_USER}@/postgres?host={self._folder}&options=-csearch_path%3D{name}"


@contextmanager
def running() -> Iterator[Server]:
    """A server in a temporary folder that stops at the end; skips where none is installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed; on Debian: apt install postgresql")
    account = _account()
    # Not pytest's own folder: other users cannot pass through it, and socket paths are short.
    folder = Path(tempfile.mkdtemp(prefix="ecomind-pg-"))
    if account:
        os.chown(folder, account["user"], account["group"])
    try:
        data = folder / "data"
        options = ["--auth=trust", f"--username={_USER}", "--no-sync", "--encoding=UTF8"]
        subprocess.run(
            [str(binaries / "initdb"), *options, "--locale=C", str(data)],
            check=True,
            capture_output=True,
            cwd=folder,
            **account,
        )
        with (folder / "log").open("wb") as log:
            settings = ["fsync=off", "listen_addresses=", f"unix_socket_directories={folder}"]
            process = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(data)]
                + [argument for setting in settings for argument in ("-c", setting)],
                stdout=log,
                stderr=log,
                cwd=folder,
                **account,
            )
        try:
            server = Server(folder)
            _wait(server, process, folder / "log")
            yield server
        finally:
            # At once: SIGTERM waits for every connection, SIGINT for what is on no disk yet.
            process.send_signal(signal.SIGQUIT)
            process.wait()
    finally:
        shutil.rmtree(folder)


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up_at = time.monotonic() + _STARTS_WITHIN_S
    while True:
        try:
            server.connect().close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > give_up_at:
                pytest.fail(f"PostgreSQL did not start: {log.read_text()}")
            time.sleep(0.05)
