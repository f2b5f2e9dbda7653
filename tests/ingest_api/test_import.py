"""``ecomind import`` against the running endpoint."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from ecomind.identity import Role
from ecomind.settings import get_settings
from ingest_api.cli import import_command
from ingest_api.client.sender import Answer, CannotSend, Sender
from ingest_api.client.session import ImportSession, Rows
from tests.ingest_api.running import (
    FAST,
    Running,
    event,
    free_port,
    landed_rows,
    now_text,
    wait_for_rows,
)

TRACE = ("--provider", "azure.ai.openai", "--model", "gpt-4", "--region", "eastus")


@pytest.fixture(scope="module")
def import_key(service: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_text(service.key("acme", Role.IMPORT) + "\n")
    return path


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ECOMIND_KEY", raising=False)
    monkeypatch.setenv("ECOMIND_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def run(service: Running, key: Path, *arguments: str | Path) -> Result:
    command = ["--url", service.url, "--key-file", str(key), *map(str, arguments)]
    return CliRunner().invoke(import_command, command)


def write_trace(path: Path, rows: int, seed: int = 0) -> str:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("TIMESTAMP", "ContextTokens", "GeneratedTokens"))
        for n in range(rows):
            clock = f"2023-11-16 18:{n // 60 % 60:02d}:{n % 60:02d}.{9799600 + n:07d}"
            writer.writerow((clock, 4000 + n + seed, n % 50))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_trace_imported_twice_has_the_same_ids(
    service: Running, import_key: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.csv"
    sha256 = write_trace(trace, 2500)
    options = (
        *TRACE,
        "--user-pool",
        "7",
        "--team",
        "search",
        "--project",
        "p1",
        "--org-check",
        "acme",
    )
    for again in ((), ("--again",)):
        result = run(service, import_key, trace, *options, *again)
        assert result.exit_code == 0, result.output
        assert "sent 2,500, accepted 2,500, rejected 0" in result.output
    ids = {f"imp_{sha256[:24]}_{n}" for n in range(1, 2501)}
    wait_for_rows(service.home, "events", ids)
    rows = [r for r in landed_rows(service.home, "events") if r["event_id"] in ids]
    by_id: dict[str, set[str]] = {}
    for row in rows:
        payload = {k: v for k, v in row.items() if k not in ("received_at", "receipt_id")}
        by_id.setdefault(row["event_id"], set()).add(repr(payload))
    assert set(by_id) == ids
    assert all(len(versions) == 1 for versions in by_id.values())
    third = next(row for row in rows if row["event_id"] == f"imp_{sha256[:24]}_3")
    assert third["occurred_at"] == datetime(2023, 11, 16, 18, 0, 2, 979960, tzinfo=UTC)
    assert (third["input_tokens"], third["output_tokens"]) == (4002, 2)
    assert third["source"] == f"urn:ecomind:import:{sha256[:12]}"
    assert (third["team_id"], third["project_id"], third["region"]) == ("search", "p1", "eastus")
    assert (third["provider"], third["request_model"]) == ("azure.ai.openai", "gpt-4")
    assert len({row["user_id"] for row in rows}) == 7


def test_a_file_imported_before_is_not_sent_again(
    service: Running, import_key: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.csv"
    write_trace(trace, 20, seed=91)
    assert "sent 20, accepted 20" in run(service, import_key, trace, *TRACE).output
    repeated = run(service, import_key, trace, *TRACE)
    assert repeated.exit_code == 0
    assert "trace.csv was imported before (20 events on" in repeated.output
    assert "sent 0, accepted 0" in repeated.output
    another = run(service, import_key, trace, *TRACE, "--project", "another")
    assert "sent 20, accepted 20" in another.output


def test_old_rows_with_an_ordinary_key_are_explained(
    service: Running, key: str, tmp_path: Path
) -> None:
    write_trace(tmp_path / "trace.csv", 5)
    (tmp_path / "key").write_text(key)
    result = run(service, tmp_path / "key", tmp_path / "trace.csv", *TRACE)
    assert result.exit_code == 1
    assert "too_old: 5" in result.output
    assert "ingest:import" in result.output
    lines = (tmp_path / "trace.csv.rejected.ndjson").read_text().splitlines()
    assert [json.loads(line)["row"] for line in lines] == [1, 2, 3, 4, 5]


def test_csv_ndjson_and_parquet_of_the_contract(
    service: Running, import_key: Path, tmp_path: Path
) -> None:
    moment = datetime.now(UTC).replace(microsecond=0)
    rows = [
        {"event_id": f"file-{n}", "ts": moment.isoformat(), "provider": "openai", "model": "m",
         "tokens_in": 10 + n, "duration_ms": 1.5, "stream": True, "tags": {"a": "b"}}
        for n in range(3)
    ]  # fmt: skip
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "region"])
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, "event_id": "csv-" + str(row["event_id"]),
                             "tags": json.dumps(row["tags"]), "stream": "true"})  # fmt: skip
    ndjson = "\n\n".join(json.dumps({**r, "event_id": f"nd-{r['event_id']}"}) for r in rows)
    (tmp_path / "a.ndjson").write_text(ndjson)
    table = pa.Table.from_pylist(
        [{**row, "event_id": f"pq-{row['event_id']}", "ts": moment, "tags": json.dumps(row["tags"])}
         for row in rows]
    )  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    files = [tmp_path / name for name in ("a.csv", "a.ndjson", "a.parquet")]
    result = run(service, import_key, *files)
    assert result.exit_code == 0, result.output
    ids = {f"{kind}-file-{n}" for kind in ("csv", "nd", "pq") for n in range(3)}
    landed = wait_for_rows(service.home, "events", ids)
    for event_id in ids:
        row = landed[event_id]
        assert row["occurred_at"] == moment
        assert row["input_tokens"] == 10 + int(event_id[-1])
        assert (row["duration_ms"], row["stream"], row["tags"]) == (1.5, True, '{"a":"b"}')
        assert row["region"] is None


def test_bad_rows_are_listed_and_the_others_sent(
    service: Running, import_key: Path, tmp_path: Path
) -> None:
    good = json.dumps(event("bad-rows-good"))
    bad = json.dumps(event("bad-rows-bad", input_tokens=-1))
    (tmp_path / "x.ndjson").write_text(f"{good}\n{{broken\n{bad}\n")
    listed = tmp_path / "listed.ndjson"
    result = run(service, import_key, tmp_path / "x.ndjson", "--rejected-file", listed)
    assert result.exit_code == 1
    assert "accepted 1, rejected 2" in result.output
    found = [json.loads(line) for line in listed.read_text().splitlines()]
    assert {(f["row"], f["errors"][0]["code"]) for f in found} == {
        (2, "malformed_row"), (3, "bad_token_count"),
    }  # fmt: skip
    wait_for_rows(service.home, "events", {"bad-rows-good"})


def test_a_csv_cell_of_the_wrong_kind_is_refused_by_name(
    service: Running, import_key: Path, tmp_path: Path
) -> None:
    text = (
        f"ts,provider,model,tokens_in\n{now_text()},openai,m,many\n{now_text()},openai,m,{9**40}\n"
    )
    (tmp_path / "x.csv").write_text(text)
    result = run(service, import_key, tmp_path / "x.csv")
    assert result.exit_code == 1
    assert "bad_token_count: 2" in result.output


def test_a_batch_over_the_size_limit_is_split(
    service: Running, import_key: Path, tmp_path: Path
) -> None:
    tags = {f"k{n}": "v" * 120 for n in range(16)}  # 1,000 rows of these exceed 1 MB.
    lines = (json.dumps(event(f"split-{n}", tags=tags)) for n in range(1000))
    (tmp_path / "x.ndjson").write_text("\n".join(lines))
    result = run(service, import_key, tmp_path / "x.ndjson")
    assert result.exit_code == 0, result.output
    wait_for_rows(service.home, "events", {f"split-{n}" for n in range(1000)})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"TIMESTAMP,ContextTokens,GeneratedTokens\n", "give --provider and --model"),
        (b"colour,shape\nred,round\n", "is not a file that can be imported"),
        (b"PAR1 but no more", "cannot be read as such"),
        (b"", "is not a file that can be imported"),
    ],
)
def test_what_cannot_be_imported_is_told_in_one_sentence(
    service: Running, import_key: Path, tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "file").write_bytes(content)
    result = run(service, import_key, tmp_path / "file")
    assert result.exit_code == 1
    assert sentence in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_wrong_keys_and_organisations_are_told(service: Running, key: str, tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_text(json.dumps(event("wrong-key")))
    no_key = CliRunner().invoke(import_command, ["--url", service.url, str(tmp_path / "x.ndjson")])
    assert no_key.exit_code == 1
    assert "there is no API key in the environment variable ECOMIND_KEY" in no_key.output
    (tmp_path / "key").write_text("nonsense")
    wrong = run(service, tmp_path / "key", tmp_path / "x.ndjson")
    assert wrong.exit_code == 1
    assert "the endpoint answers 401" in wrong.output
    (tmp_path / "key").write_text(key)
    other = run(service, tmp_path / "key", tmp_path / "x.ndjson", "--org-check", "globex")
    assert other.exit_code == 1
    assert "tenant_mismatch: 1" in other.output


def test_an_import_outlives_a_killed_service(tmp_path: Path) -> None:
    service = Running(tmp_path / "home", **FAST)
    (tmp_path / "key").write_text(service.key("acme", Role.IMPORT))
    sha256 = write_trace(tmp_path / "trace.csv", 40_000)
    service.start()
    arguments = ["--url", service.url, "--key-file", "key", "trace.csv", *TRACE]
    code = "from ingest_api.cli import import_command; import_command()"
    importing = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, env=service.environment
    )
    wait_for_rows(service.home, "events", {f"imp_{sha256[:24]}_1"})
    service.kill()
    service.start()
    assert importing.wait(120) == 0
    assert service.stop() == 0
    landed = {row["event_id"] for row in landed_rows(service.home, "events")}
    assert landed == {f"imp_{sha256[:24]}_{n}" for n in range(1, 40_001)}


def test_an_endpoint_that_is_not_there_is_given_up() -> None:
    pauses: list[float] = []
    sender = Sender(f"http://127.0.0.1:{free_port()}", "key", sleep=pauses.append)
    with pytest.raises(CannotSend, match="does not answer"):
        sender.send([event("x")])
    assert len(pauses) == 7
    assert pauses[0] < pauses[-1] <= 30


def test_an_interrupted_import_sends_only_what_is_missing(
    service: Running, import_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        json.dumps(event(f"resumed-{n}", input_tokens=-1 if n == 5 else 1)) for n in range(3500)
    ]
    (tmp_path / "x.ndjson").write_text("\n".join(rows))
    put, sent = ImportSession.put, []

    def interrupted(self: ImportSession, part: Rows) -> tuple[Answer, bool]:
        if self.parts == 2:
            raise CannotSend("the line is cut")
        return put(self, part)

    with monkeypatch.context() as patched:
        patched.setattr(ImportSession, "put", interrupted)
        first = run(service, import_key, tmp_path / "x.ndjson")
    assert first.exit_code == 1
    assert "sent 2,000, accepted 1,999, rejected 1" in first.output
    exchange = Sender.exchange

    def watched(self: Sender, method: str, path: str, body: bytes, kind: str) -> object:
        if method == "PUT":
            sent.append(int(path.rpartition("/")[2]))
        return exchange(self, method, path, body, kind)

    monkeypatch.setattr(Sender, "exchange", watched)
    second = run(service, import_key, tmp_path / "x.ndjson")
    assert sent == [1, 3, 4]  # The first has a refused row to list; its answer is kept.
    assert "sent 1,500, accepted 1,500, rejected 1" in second.output
    assert "1,999 more were accepted before" in second.output
    listed = (tmp_path / "x.ndjson.rejected.ndjson").read_text().splitlines()
    assert [json.loads(line)["row"] for line in listed] == [6]
    ids = {f"resumed-{n}" for n in range(3500) if n != 5}
    wait_for_rows(service.home, "events", ids)
    landed = [r["event_id"] for r in landed_rows(service.home, "events") if r["event_id"] in ids]
    assert len(landed) == len(ids)


def test_an_import_that_does_not_fit_any_more_starts_anew(
    service: Running, import_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [json.dumps(event(f"anew-{n}")) for n in range(1500)]
    (tmp_path / "x.ndjson").write_text("\n".join(rows))

    def interrupted(self: ImportSession) -> None:
        raise CannotSend("the line is cut")

    with monkeypatch.context() as patched:
        patched.setattr(ImportSession, "complete", interrupted)
        assert run(service, import_key, tmp_path / "x.ndjson").exit_code == 1
    monkeypatch.setattr("ingest_api.client.session.PART_ROWS", 200)
    again = run(service, import_key, tmp_path / "x.ndjson")
    assert again.exit_code == 0, again.output
    assert "from the start" in again.output
