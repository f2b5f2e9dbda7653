"""The OpenAPI document against the service: generated requests find nothing undocumented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecomind.identity import Role
from ecomind.settings import PROJECT_ROOT
from platform_api.app import document
from platform_api.problems import TITLES
from tests.platform_api.running import Platform

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance,unsupported_method"
)


def explore(
    platform: Platform, folder: Path, *options: str, credential: str | None
) -> subprocess.CompletedProcess[str]:
    key = () if credential is None else ("--header", f"Authorization: Bearer {credential}")
    command = (sys.executable, "-m", "schemathesis.cli", "run", f"{platform.url}/openapi.json")
    return subprocess.run(
        [*command, "--url", platform.url, "--no-color", "--seed", "20261122", *key, *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        timeout=500,
    )


def check_clean(found: subprocess.CompletedProcess[str], platform: Platform) -> None:
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert " passed" in found.stdout
    assert "failed with" not in platform.output.read_text()


def test_the_page_of_the_api_names_every_address_and_every_problem() -> None:
    page = (PROJECT_ROOT / "docs" / "api.md").read_text("utf-8")
    named = {re.sub(r"\b[A-Z]+\b", "{}", each) for each in re.findall(r"/v1/[\w/.-]+\w", page)}
    addresses = {re.sub(r"{\w+}", "{}", path) for path in document()["paths"]}
    assert named == {path for path in addresses if path.startswith("/v1/")}
    assert [name for name in TITLES if f"`{name}`" not in page] == []


def test_generated_questions_find_nothing_undocumented(platform: Platform, tmp_path: Path) -> None:
    found = explore(
        platform, tmp_path,
        "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--checks", CHECKS,
        "--include-tag", "figures", "--include-tag", "reports", "--include-tag", "health",
        credential=platform.key(Role.ANALYST),
    )  # fmt: skip
    check_clean(found, platform)


def test_generated_changes_find_nothing_undocumented(platform: Platform, tmp_path: Path) -> None:
    """On an organisation of its own: what is found may be revoked and deleted, too."""
    found = explore(
        platform, tmp_path,
        "--phases", "examples,coverage,fuzzing", "--max-examples", "8", "--checks", CHECKS,
        "--include-tag", "administration", "--include-tag", "privacy",
        credential=platform.key(Role.ADMIN, platform.new_organization()),
    )  # fmt: skip
    check_clean(found, platform)


@pytest.mark.parametrize("role", [None, Role.INGEST], ids=str)
def test_without_the_right_nothing_undocumented_either(
    platform: Platform, tmp_path: Path, role: Role | None
) -> None:
    found = explore(
        platform, tmp_path,
        "--phases", "fuzzing", "--max-examples", "1", "--checks", CHECKS,
        credential=None if role is None else platform.key(role),
    )  # fmt: skip
    check_clean(found, platform)


def test_no_answer_without_a_credential_where_one_is_needed(
    platform: Platform, tmp_path: Path
) -> None:
    found = explore(
        platform, tmp_path,
        "--phases", "fuzzing", "--max-examples", "1", "--checks", "ignored_auth",
        credential=platform.key(Role.ADMIN, platform.new_organization()),
    )  # fmt: skip
    check_clean(found, platform)
