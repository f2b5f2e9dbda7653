"""The OpenAPI document against the running service: generated requests find nothing undocumented.

What the document says, the service does: no server error, no status, media type, header or shape
of an answer that is not in it, no method beside those in it, and no answer without a key where one
is needed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecomind.identity import Role
from tests.ingest_api.running import ROOT, Running

CONFORMANCE = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance,unsupported_method"
)
SEED = "20261121"


def explore(
    folder: Path, document: str, base: str, *options: str, key: str | None = None
) -> subprocess.CompletedProcess[str]:
    headers = () if key is None else ("--header", f"Authorization: Bearer {key}")
    command = (sys.executable, "-m", "schemathesis.cli", "run", document, "--url", base)
    return subprocess.run(
        [*command, "--no-color", "--seed", SEED, *headers, *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=500,
    )


def find_nothing(service: Running, folder: Path, *options: str, key: str | None = None) -> None:
    """Explore the service by its own document; nothing may be found, nor logged meanwhile."""
    logged = len(service.output.read_text())  # Others of the session may have made it fail.
    found = explore(folder, f"{service.url}/openapi.json", service.url, *options, key=key)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert " passed" in found.stdout
    assert "failed with" not in service.output.read_text()[logged:]


def test_generated_requests_with_a_key_find_nothing_undocumented(
    service: Running, tmp_path: Path
) -> None:
    find_nothing(
        service, tmp_path,
        "--phases", "examples,fuzzing", "--max-examples", "6", "--checks", CONFORMANCE,
        key=service.key("acme", Role.IMPORT),
    )  # fmt: skip


@pytest.mark.slow
def test_the_bounds_of_every_parameter_are_tried(service: Running, tmp_path: Path) -> None:
    find_nothing(
        service, tmp_path,
        "--phases", "coverage", "--checks", CONFORMANCE,
        "--include-path-regex", "^/v1/(validate|receipts|events/|rejections|imports)",
        key=service.key("acme", Role.IMPORT),
    )  # fmt: skip


def test_without_a_key_there_is_nothing_but_documents(service: Running, tmp_path: Path) -> None:
    find_nothing(
        service, tmp_path,
        "--phases", "fuzzing", "--max-examples", "2", "--checks", CONFORMANCE,
    )  # fmt: skip
    find_nothing(
        service, tmp_path,
        "--phases", "fuzzing", "--max-examples", "2", "--checks", "ignored_auth",
        key=service.key("acme", Role.IMPORT),
    )  # fmt: skip


def test_what_is_not_in_the_document_is_noticed(service: Running, tmp_path: Path) -> None:
    document = service.client.get("/openapi.json").json()
    responses = document["paths"]["/livez"]["get"]["responses"]
    responses["418"] = responses.pop("200")
    document["paths"] = {"/livez": document["paths"]["/livez"]}
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    found = explore(
        tmp_path, str(tmp_path / "openapi.json"), service.url,
        "--phases", "fuzzing", "--max-examples", "1", "--checks", "status_code_conformance",
    )  # fmt: skip
    assert found.returncode == 1
    assert "1 unique failure" in found.stdout
