"""A landing zone in S3-compatible object storage.

Belongs here: the calls to the storage and what their failures mean. Does not belong here: which
files there should be.

Endpoint, region and credentials come from the standard ``AWS_*`` variables and files. An object
appears when it is complete, so a put needs no temporary name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyarrow import fs

from ecomind.contract.landing import LandedName
from ecomind.durable_files import replace_file
from ecomind.landing_url import Bucket
from ecomind.landing_zone.zone import NotVerified, StorageTrouble, day_folder, day_of

_CONNECT_TIMEOUT_S = 5.0
_REQUEST_TIMEOUT_S = 30.0
_ATTEMPTS = 3
_REMOVED_AT_ONCE = 8
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


def _variable(names: Sequence[str]) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _connect() -> fs.S3FileSystem:
    options: dict[str, Any] = {
        "region": _variable(_REGIONS),
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "request_timeout": _REQUEST_TIMEOUT_S,
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
        # Small files then take one request instead of three, and failures come from the put.
        "allow_delayed_open": True,
        "background_writes": False,
    }
    endpoint = _variable(_ENDPOINTS)
    if endpoint is not None:
        parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        options |= {"scheme": parts.scheme, "endpoint_override": parts.netloc + parts.path}
    authorities = os.environ.get("AWS_CA_BUNDLE")
    if authorities:
        options["tls_ca_file_path"] = authorities
    return fs.S3FileSystem(**options)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Failures of the storage as ``StorageTrouble``, in one sentence."""
    try:
        yield
    except StorageTrouble:
        raise
    except OSError as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise StorageTrouble(f"{what}: {reason}") from error


class ObjectZone:
    """A landing zone below a prefix of a bucket."""

    def __init__(self, place: Bucket) -> None:
        """Nothing is reached until the first call."""
        self._place = place
        self._root = f"{place.name}/{place.prefix}".rstrip("/")
        self._connection: fs.S3FileSystem | None = None

    def __str__(self) -> str:
        return str(self._place)

    @property
    def _files(self) -> fs.S3FileSystem:
        if self._connection is None:
            self._connection = _connect()
        return self._connection

    def _path(self, location: str) -> str:
        return f"{self._root}/{location}"

    def prepare(self) -> None:
        """Look whether the bucket is there and may be used."""
        with _told(f"the bucket {self._place.name} cannot be reached"):
            if self._files.get_file_info(self._place.name).type == fs.FileType.NotFound:
                raise StorageTrouble(f"the bucket {self._place.name} does not exist")

    def put(self, location: str, data: bytes) -> None:
        """Upload the object, then ask the storage for its size."""
        path = self._path(location)
        with _told(f"{location} cannot be stored in {self}"):
            stream = self._files.open_output_stream(path)
            stream.write(data)
            stream.close()
            found = self._files.get_file_info(path)
        if found.type != fs.FileType.File or found.size != len(data):
            raise NotVerified(f"{location} has {found.size} bytes in {self}, not {len(data)}")

    def read(self, location: str) -> bytes | None:
        """The object's bytes, or None when there is none."""
        with _told(f"{location} cannot be read from {self}"):
            try:
                with self._files.open_input_file(self._path(location)) as file:
                    return bytes(file.read())
            except FileNotFoundError:
                return None

    def fetch(self, location: str, folder: Path) -> Path:
        """Copy the object into ``folder`` under its own name."""
        data = self.read(location)
        if data is None:
            raise StorageTrouble(f"{location} is no longer in {self}")
        path = folder / location.rpartition("/")[2]
        path.write_bytes(data)
        return path

    def remove(self, locations: Sequence[str]) -> None:
        """Delete the objects, several at once."""
        if locations:
            with ThreadPoolExecutor(_REMOVED_AT_ONCE) as threads:
                list(threads.map(self._remove, locations))

    def _remove(self, location: str) -> None:
        with _told(f"{location} cannot be removed from {self}"):
            try:
                self._files.delete_file(self._path(location))
            except FileNotFoundError:
                return

    def set_aside(self, location: str, target: Path) -> None:
        """Copy the object durably, then delete it."""
        data = self.read(location)
        if data is not None:
            replace_file(target, data)
            self._remove(location)

    def _listed(self, location: str) -> list[fs.FileInfo]:
        with _told(f"{self} cannot be listed"):
            selector = fs.FileSelector(self._path(location), allow_not_found=True)
            found: list[fs.FileInfo] = self._files.get_file_info(selector)
        if not found:
            self.prepare()  # A bucket that is not there must not look like an empty one.
        return found

    def days(self, table: str) -> Sequence[date]:
        """Received dates of the table's prefixes."""
        found = (day_of(entry.base_name) for entry in self._listed(table))
        return sorted(day for day in found if day is not None)

    def names(self, table: str, day: date) -> Sequence[tuple[LandedName, int]]:
        """Landed files of one day."""
        found = []
        for entry in self._listed(day_folder(table, day)):
            name = LandedName.parse(entry.base_name)
            if name is not None and entry.type == fs.FileType.File:
                found.append((name, entry.size))
        return found
