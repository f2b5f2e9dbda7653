"""dbt, imported and the project parsed once: every invocation is a fork of one process.

Importing dbt and parsing the project take longer than most builds of a test. The process below
does both once, then forks for each invocation, so that each begins with the same state and with
an environment, a folder and an output of its own, as the ``dbt`` command does.

Belongs here: starting that process and asking it. Does not belong here: what is built.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.shared import built_once

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

ROOT = Path(__file__).resolve().parents[2]
EARLY_CACHE = "TESTS_EARLY_CACHE"
"""Variable that makes dbt fail if a model is the first to ask for the raw store's tables."""


class DbtProcess:
    """The process that waits for invocations; ends with the one that started it."""

    def __init__(self) -> None:
        """Start it; it parses the project while the caller goes on."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        atexit.register(self.stop)

    def stop(self) -> None:
        """End it, after what it is at."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], project_root: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run dbt; the result holds its output whether it succeeded or not.

        ``project_root`` holds the dbt project as it is here, and seeds that may differ.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            output, errors = Path(folder) / "output", Path(folder) / "errors"
            asked = {
                "arguments": list(arguments),
                "environment": dict(environment),
                "project_root": str(project_root),
                "files": [str(output), str(errors)],
            }
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, "the process of dbt has ended"
            return subprocess.CompletedProcess(
                ["dbt", *arguments], int(answer), output.read_text(), errors.read_text()
            )


@cache
def dbt_process() -> DbtProcess:
    """The one of this process."""
    return DbtProcess()


def run_dbt(
    arguments: Sequence[str], environment: Mapping[str, str], project_dir: Path
) -> subprocess.CompletedProcess[str]:
    """What ``orchestration.dbt.run_dbt`` does, without its start."""
    where = ["--project-dir", str(project_dir), "--profiles-dir", str(project_dir)]
    variables = {**os.environ, **environment}
    return dbt_process().run([*arguments, *where], variables, project_dir.parent)


def _parsed() -> Manifest:
    """The project's manifest, without its optional nodes.

    The first process of a test run parses; the others read what it left.
    """
    left = built_once("dbt", _parse)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(left / "partial_parse.msgpack", folder)
        return _parse(Path(folder))


def _parse(target: Path) -> Manifest:
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - dear, and for this process alone.
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415

    project = str(ROOT / "dbt_project")
    # dbt parses anew where these differ; nobody opens them.
    os.environ.update(
        ECOMIND_MARTS_DATABASE="/nowhere/marts.duckdb",
        ECOMIND_RAW_DATABASE="/nowhere/raw_store.duckdb",
        ECOMIND_OPTIONAL_FACTORS="/nowhere/factor_*.csv",
        DBT_TARGET_PATH=str(target),
        DBT_LOG_PATH=str(target),
        DBT_PROJECT_DIR=project,
        DBT_PROFILES_DIR=project,
    )
    parsed = dbtRunner().invoke(["--quiet", "--no-write-json", "parse"])
    assert isinstance(parsed.result, Manifest), parsed.exception
    return parsed.result


def _refuse_late_cache() -> None:
    from dbt.adapters.cache import RelationsCache  # noqa: PLC0415

    add = RelationsCache.add

    def add_early(cache: RelationsCache, relation: Any) -> None:
        is_early = threading.current_thread() is threading.main_thread()
        assert is_early or relation.schema != "raw", relation
        add(cache, relation)

    RelationsCache.add = add_early


def _invoke(manifest: Manifest, asked: dict[str, Any]) -> int:
    """Run dbt in this process, a fork; returns its exit code."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415
    from dbt.contracts.graph.nodes import SeedNode  # noqa: PLC0415

    for number, path in enumerate(asked["files"], start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(asked["environment"])
    if EARLY_CACHE in os.environ:
        _refuse_late_cache()
    for node in manifest.nodes.values():
        if isinstance(node, SeedNode):
            node.root_path = str(Path(asked["project_root"]) / "dbt_project")
    done = dbtRunner(manifest).invoke(asked["arguments"])
    DuckDBConnectionManager.close_all_connections()  # As the command does when it ends.
    if done.exception is not None:
        print(done.exception)
    return 0 if done.success else 1 if done.exception is None else 2


def _serve() -> None:
    manifest = _parsed()
    gc.freeze()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            code = _invoke(manifest, json.loads(line))
            sys.stdout.flush()
            # Not sys.exit: DuckDB's threads are not those of the process that was forked.
            os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
