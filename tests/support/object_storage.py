"""An S3 API server on loopback, for landing zones in object storage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from moto.moto_api._internal import moto_api_backend
from moto.server import ThreadedMotoServer
from pyarrow import fs

BUCKET = "landing"
URL = f"s3://{BUCKET}/zone"
ACCESS_KEY, SECRET_KEY = "testing", "a-secret-that-is-never-printed"


class ObjectStorage:
    """The server; what it stores outlives its stops."""

    def __init__(self) -> None:
        self._server: ThreadedMotoServer | None = None
        self.port = 0
        self.start()
        self.files.create_dir(BUCKET)

    @property
    def environment(self) -> dict[str, str]:
        """Standard variables that lead a client to this server."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def files(self) -> fs.S3FileSystem:
        """A client of the test's own."""
        return fs.S3FileSystem(
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            region="us-east-1",
            scheme="http",
            endpoint_override=f"127.0.0.1:{self.port}",
            allow_bucket_creation=True,
        )

    def names(self) -> list[str]:
        """Every object below the zone, without the bucket and the prefix."""
        found = self.files.get_file_info(fs.FileSelector(f"{BUCKET}/zone", recursive=True))
        return sorted(
            entry.path.removeprefix(f"{BUCKET}/zone/")
            for entry in found
            if entry.type == fs.FileType.File
        )

    def start(self) -> None:
        """Listen, after a stop on the same port as before."""
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        """Refuse connections; objects stay."""
        if self._server is not None:
            self._server.stop()
            self._server = None


@contextmanager
def object_storage() -> Iterator[ObjectStorage]:
    """A running server with an empty bucket; this process's ``AWS_*`` variables lead to it."""
    storage = ObjectStorage()
    before = {name: os.environ.get(name) for name in storage.environment}
    os.environ.update(storage.environment)
    try:
        yield storage
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        storage.stop()
        moto_api_backend.reset()
