"""The whole journey with the real commands: files in, marts, reports and documents out."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ecomind.demo.cast import ORGANIZATIONS
from ecomind.demo.generator import demo_calls
from ecomind.settings import PROJECT_ROOT
from ecomind.warehouse.bundles import list_bundles
from orchestration.demo import last_demo_day
from tests.dbt_project.direct import direct_footprint, mart_sql
from tests.support.installation import Installation

TRACES = Path(
    os.environ.get("ECOMIND_TRACES_DIR") or PROJECT_ROOT.parent / "shared" / "data" / "traces"
)
TRACE_FILES = sorted(TRACES.glob("AzureLLMInferenceTrace_*.csv"))
TRACE_CALLS = 28_185


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, str]]:
    """`ecomind up --demo` on an empty folder, stopped again once ready; what it printed."""
    installation = Installation(tmp_path_factory.mktemp("demo") / "home")
    yield installation, installation.ecomind("up", "--demo", "--exit-when-ready")


def test_up_fills_the_warehouse(demonstration: tuple[Installation, str]) -> None:
    installation, printed = demonstration
    assert "Ready." in printed
    last_day = last_demo_day()
    sent = {o.org_id: len(list(demo_calls(o, last_day))) for o in ORGANIZATIONS}
    counted = installation.query(
        "select org_id, sum(events) from mart.org_footprint_daily group by 1"
    )
    assert dict(counted) == sent
    assert installation.query("select count(*) from mart.org_footprint_daily"
                              " where not energy_low_kwh <= energy_mid_kwh") == [(0,)]  # fmt: skip


def test_up_writes_reports_and_documents(demonstration: tuple[Installation, str]) -> None:
    installation, _ = demonstration
    settings = installation.settings
    for organization in ORGANIZATIONS:
        bundles = list_bundles(settings, organization.org_id)
        assert len(bundles) == 2
        for bundle in bundles:
            assert bundle.read("facts.csv").startswith(b"org_id,")
            assert bundle.read("report.pdf").startswith(b"%PDF-1.")
    dbt_docs = (settings.documents_dir / "dbt" / "index.html").read_text(encoding="utf-8")
    assert "from a reported number to the calls behind it" in dbt_docs
    assert dbt_docs.index("white-space: normal") < dbt_docs.index("</head>")
    data_docs = (settings.documents_dir / "data" / "index.html").read_text(encoding="utf-8")
    assert re.search(r"All \d+ expectations hold", data_docs)
    for page in (settings.documents_dir / "data").rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        assert not re.search(
            r"""(?:src|href)\s*=\s*["'](?:https?:)?//[^"']+\.(?:js|css|png)""", html
        )


def test_a_second_up_is_told_so(demonstration: tuple[Installation, str]) -> None:
    import fcntl  # noqa: PLC0415

    installation, _ = demonstration
    with (installation.home / "up.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        printed = installation.ecomind("up", ok=False)
    assert "EcoMind already runs from" in printed
    assert "Traceback" not in printed


def test_a_port_in_use_is_told_with_its_setting(demonstration: tuple[Installation, str]) -> None:
    installation, _ = demonstration
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", installation.settings.ingest_port))
        holder.listen()
        printed = installation.ecomind("up", ok=False)
    assert f"port {installation.settings.ingest_port} for ingest is in use" in printed
    assert "ECOMIND_INGEST_PORT" in printed
    assert "Traceback" not in printed


def test_a_corrupt_landed_file_is_set_aside_and_the_rest_loads(
    demonstration: tuple[Installation, str],
) -> None:
    installation, _ = demonstration
    settings = installation.settings
    folder = sorted((settings.landing_dir / "events").iterdir())[-1]
    garbage = folder / "testnode-000000900000-garbage.parquet"
    garbage.write_bytes(b"PAR1 not really PAR1")
    before = installation.query("select sum(events) from mart.org_footprint_daily")
    printed = installation.ecomind("load")
    assert "landed_files_are_readable" in printed
    assert garbage.name in printed
    assert installation.query("select sum(events) from mart.org_footprint_daily") == before
    assert (settings.quarantine_dir / "events" / garbage.name).is_file()
    doctor = installation.ecomind("doctor", ok=False)
    assert "1 unreadable files set aside" in " ".join(doctor.split())


def test_a_report_is_built_once_and_listed(demonstration: tuple[Installation, str]) -> None:
    installation, _ = demonstration
    month = last_demo_day().strftime("%Y-%m")
    printed = installation.ecomind("report", "northwind", month)
    assert "report.pdf" in printed
    assert f"{month} v001" in installation.ecomind("report", "northwind")
    assert "there is no organisation nope" in installation.ecomind(
        "report", "nope", month, ok=False
    )
    assert "is not a month" in installation.ecomind("report", "northwind", "2026-13", ok=False)


def _import_traces(installation: Installation, key: Path, *options: str) -> str:
    with installation.ingest():
        return installation.ecomind(
            "import", *map(str, TRACE_FILES), "--key-file", str(key), *options,
            "--provider", "azure.ai.openai", "--model", "gpt-4o", "--region", "eastus",
            "--team", "inference", "--user-pool", "25",
        )  # fmt: skip


def landed_files(installation: Installation) -> set[Path]:
    return set((installation.settings.landing_dir / "events").rglob("*.parquet"))


@pytest.mark.skipif(
    len(TRACE_FILES) != 2, reason="no Azure LLM traces found; point ECOMIND_TRACES_DIR at them"
)
def test_real_traces_through_the_endpoint(tmp_path: Path) -> None:
    """28,185 real calls, sent twice: all in raw, in the marts once, equal to plain SQL."""
    installation = Installation.after_first_load(tmp_path / "home")
    key = tmp_path / "import.key"
    installation.ecomind("org", "create", "acme", "--name", "Azure traces")
    installation.ecomind("key", "create", "acme", "--role", "import", "--out", str(key))
    assert f"accepted {TRACE_CALLS:,}" in _import_traces(installation, key)
    landed = landed_files(installation)
    assert "sent 0, accepted 0" in _import_traces(installation, key)
    assert landed_files(installation) == landed, "there is something that a load might count"
    assert f"accepted {TRACE_CALLS:,}" in _import_traces(installation, key, "--again")
    assert landed_files(installation) != landed
    installation.ecomind("load")

    with duckdb.connect(installation.settings.raw_database, read_only=True) as raw:
        counts = raw.execute("select count(*), count(distinct event_id) from raw.usage_events")
        assert counts.fetchone() == (2 * TRACE_CALLS, TRACE_CALLS)
    for mart in ("org", "team", "user", "model", "region"):
        total = installation.query(f"select sum(events) from mart.{mart}_footprint_daily")
        assert total == [(TRACE_CALLS,)]
    expected = direct_footprint(
        f"""select left(TIMESTAMP, 10)::date as day, 'openai/gpt-4o' as model_key,
        'US-SRVC' as zone, 'USA' as water_zone, 'USA' as dry_zone, 'azure/eastus' as pue_key,
        'azure/eastus' as wue_key, 'azure-openai' as market_key, 1 as n, 1.0 as w,
        ContextTokens as input_tokens, 0 as cached_tokens, GeneratedTokens as output_tokens,
        false as is_batch, null::double as measured_wh
        from read_csv({[str(file) for file in TRACE_FILES]}, types = {{'TIMESTAMP': 'varchar'}})"""
    )
    marts = {each: installation.query(mart_sql(each)) for each in ("low", "mid", "high")}
    assert sum(map(len, marts.values())) == len(expected) == 3
    for scenario, [(day, *values)] in marts.items():
        assert values == pytest.approx(expected[(str(day), scenario)], rel=1e-9)
