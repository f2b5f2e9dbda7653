"""Is anything acknowledged lost when the power goes?

    sudo python -m benchmarks.powercut --cuts 6

The write-ahead log lies on a file system of its own inside an image file. At a random moment of
a load everything is stopped and the image is copied as it is: what the kernel has not yet written
down is missing from the copy, as after a power cut. The copy is mounted, the service started on
it, and every acknowledged event looked for. Needs root and loop devices.

The same with a flush that does nothing must lose events, or the command proves nothing.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from benchmarks.ingest_service import IngestService, ingest_service, landed_files
from benchmarks.measure import emit, show

IMAGE_MB = 512
CLIENTS, BATCH = 8, 5


class CannotRun(Exception):
    """Why power cuts cannot be played here, in one sentence."""


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"`{' '.join(command[:2])}` failed: {done.stderr.strip()[:200]}")


@contextmanager
def _mounted(image: Path, place: Path) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", str(image), str(place))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def _make_image(image: Path) -> None:
    if os.geteuid() != 0:
        raise CannotRun("playing power cuts needs root, to mount an image file")
    with image.open("wb") as file:
        file.truncate(IMAGE_MB * 2**20)
    _run("mkfs.ext4", "-q", "-F", str(image))


class Client(threading.Thread):
    """Sends small batches without a pause; remembers what was acknowledged and when."""

    def __init__(self, service: IngestService, name: str) -> None:
        """``name`` begins every event id."""
        super().__init__(daemon=True)
        self.port, self.key, self.prefix = service.port, service.key, name
        self.acknowledged: list[str] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        """Send until stopped or cut off."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        headers = {"x-api-key": self.key, "content-type": "application/json"}
        number = 0
        with suppress(OSError, http.client.HTTPException):
            while not self.stopped.is_set():
                ids = [f"{self.prefix}-{number}-{n}" for n in range(BATCH)]
                connection.request("POST", "/v1/events", _body(ids), headers)
                response = connection.getresponse()
                response.read()
                if response.status == 202 and not self.stopped.is_set():
                    self.acknowledged += ids
                number += 1


def _body(ids: list[str]) -> bytes:
    call = {"occurred_at": datetime.now(UTC).isoformat(), "provider": "openai",
            "request_model": "gpt-4o", "input_tokens": 1200, "output_tokens": 350}  # fmt: skip
    return json.dumps([{"event_id": event_id, **call} for event_id in ids]).encode()


def _stop_all(service: IngestService) -> list[psutil.Process]:
    processes = service.processes()
    for process in processes:
        with suppress(psutil.Error):
            process.suspend()
    return processes


def _landed_ids(service: IngestService) -> set[str]:
    found: set[str] = set()
    for path in landed_files(service.settings):
        found.update(map(str, pq.read_table(path, columns=["event_id"]).column(0).to_pylist()))
    return found


def cut(number: int, layer: str, chance: random.Random) -> tuple[int, int]:
    """One power cut; events acknowledged before it, and how many of those are lost."""
    work = Path(tempfile.mkdtemp(prefix="ecomind-benchmark-"))
    image, copy, place = work / "disk.img", work / "copy.img", work / "disk"
    variables = {"SEAL_MAX_BYTES": "1000000", "SEAL_MAX_AGE_S": "1"}
    try:
        _make_image(image)
        with (
            _mounted(image, place),
            ingest_service(place / "home", layer, **variables) as service,
        ):
            # What was there before the load is not what this is about.
            os.sync()
            clients = [Client(service, f"{number}-{n}") for n in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(chance.uniform(1.0, 4.0))
            # Acknowledged is what a client knew before the cut.
            acknowledged = {e for client in clients for e in list(client.acknowledged)}
            stopped = _stop_all(service)
            shutil.copyfile(image, copy)
            for client in clients:
                client.stopped.set()
            for process in stopped:
                with suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL)
            service.process.wait()
            for client in clients:
                client.join(10)
        with _mounted(copy, place):
            service.environment["BENCHMARK_LOG"] = ""
            service.restart()
            service.stop()
            lost = len(acknowledged - _landed_ids(service))
    finally:
        shutil.rmtree(work)
    return len(acknowledged), lost


def main() -> int:
    """Read the arguments and run; 1 when events are lost or the control loses none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cuts", type=int, default=6)
    parser.add_argument("--control-cuts", type=int, default=3, help="with a flush of nothing")
    told = parser.parse_args()
    chance = random.Random()
    counts: dict[str, list[int]] = {"": [0, 0], "unsynced": [0, 0]}
    try:
        for layer, cuts in (("", told.cuts), ("unsynced", told.control_cuts)):
            for number in range(cuts):
                for n, count in enumerate(cut(number, layer, chance)):
                    counts[layer][n] += count
    except CannotRun as reason:
        print(f"no power was cut: {reason}", file=sys.stderr)
        return 2
    show(
        "power cuts",
        ["flush", "cuts", "acknowledged", "lost"],
        [["as it is", told.cuts, *counts[""]], ["none", told.control_cuts, *counts["unsynced"]]],
    )
    emit("powercut", {"cuts": told.cuts, "acknowledged": counts[""][0], "lost": counts[""][1],
                      "control": counts["unsynced"]})  # fmt: skip
    has_teeth = counts["unsynced"][1] > 0 or told.control_cuts == 0
    if not has_teeth:
        print("without a flush nothing was lost either: this proves nothing", file=sys.stderr)
    return int(counts[""][1] > 0 or not has_teeth)


if __name__ == "__main__":
    sys.exit(main())
