"""Rooms import only what the house allows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {"ecomind", "ingest_api", "dlt_pipelines", "orchestration", "platform_api", "streamlit_app"}
GROUND_FLOOR = "ecomind"
ALLOWED = {
    "ecomind": set(),
    "ingest_api": {GROUND_FLOOR},
    "dlt_pipelines": {GROUND_FLOOR},
    "platform_api": {GROUND_FLOOR},
    "streamlit_app": {GROUND_FLOOR},
    "orchestration": ROOMS - {"orchestration"},
}
LIBRARIES_NOT_FOR = {
    "ecomind": {"dlt", "dagster", "dagster_dbt", "dbt", "streamlit", "starlette", "granian",
                "uvicorn", "httpx"},
    "ingest_api": {"duckdb", "dlt", "dagster", "dbt", "streamlit"},
    "dlt_pipelines": {"dagster", "dbt", "streamlit", "starlette", "granian"},
    "platform_api": {"dlt", "dagster", "dbt", "streamlit"},
    "streamlit_app": {"duckdb", "dlt", "dagster", "dbt"},
}  # fmt: skip
KNOWN_ONLY_TO = {Path("ecomind/identity/issuers.py"): {"httpx"}}
"""Files that know a tool their room does not: keys of an identity provider must be fetched."""


def imports_of(room: str) -> dict[Path, set[str]]:
    """Top-level packages each file of a room imports, wherever in the file."""
    found: dict[Path, set[str]] = {}
    for path in (ROOT / room).rglob("*.py"):
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names.add(node.module.split(".")[0])
        found[path.relative_to(ROOT)] = names
    return found


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_rooms_import_no_other_room(room: str) -> None:
    allowed = ALLOWED[room] | {room}
    arrows = {
        f"{path} -> {name}"
        for path, names in imports_of(room).items()
        for name in names & ROOMS - allowed
    }
    assert arrows == set()


@pytest.mark.parametrize("room", sorted(LIBRARIES_NOT_FOR))
def test_rooms_know_only_their_own_tools(room: str) -> None:
    unknown = {
        f"{path} -> {name}"
        for path, names in imports_of(room).items()
        for name in names & LIBRARIES_NOT_FOR[room] - KNOWN_ONLY_TO.get(path, set())
    }
    assert unknown == set()


def test_every_package_is_a_room() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests", "benchmarks"} == ROOMS
