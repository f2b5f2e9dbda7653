"""One running service for the tests that only talk to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ingest_api.running import FAST, Running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("ingest"), **FAST, ECOMIND_MAX_BODY_BYTES="1000000")
    yield running.start()
    running.close()


@pytest.fixture(scope="session")
def key(service: Running) -> str:
    return service.key("acme")
