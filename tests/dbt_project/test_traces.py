"""Real production calls: the marts equal one plain statement on the trace files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.dbt_project.direct import direct_footprint, mart_sql
from tests.dbt_project.raw_store import event
from tests.dbt_project.warehouse import AFTER_A_LOAD, ROOT, Warehouse

TRACES = Path(os.environ.get("ECOMIND_TRACES_DIR") or ROOT.parent / "shared" / "data" / "traces")
FILES = sorted(TRACES.glob("AzureLLMInferenceTrace_*.csv"))

pytestmark = pytest.mark.skipif(
    not FILES, reason="no Azure LLM traces found; point ECOMIND_TRACES_DIR at their folder"
)

READ = f"read_csv({[str(file) for file in FILES]}, types = {{'TIMESTAMP': 'varchar'}})"


def test_footprint_of_the_traces_equals_a_statement_on_the_files(tmp_path: Path) -> None:
    warehouse = Warehouse.before_events(tmp_path)
    with warehouse.store() as store:
        template = event("template", provider="azure.ai.openai", region="eastus")
        store.load("1", [template])
        store.execute(
            f"""insert into raw.usage_events by name
            select t.* replace ('call-' || row_number() over () as event_id,
                (left(TIMESTAMP, 26) || '+00')::timestamptz as occurred_at,
                ContextTokens as input_tokens, GeneratedTokens as output_tokens)
            from {READ}, (from raw.usage_events limit 1) as t"""
        )
        store.execute("delete from raw.usage_events where event_id = 'template'")
    warehouse.build(*AFTER_A_LOAD)
    [total] = warehouse.query("select sum(events) as events from mart.org_footprint_daily")
    assert total["events"] == 28_185
    expected = direct_footprint(
        f"""select left(TIMESTAMP, 10)::date as day, 'openai/gpt-4o' as model_key,
        'US-SRVC' as zone, 'USA' as water_zone, 'USA' as dry_zone, 'azure/eastus' as pue_key,
        'azure/eastus' as wue_key, 'azure-openai' as market_key, 1 as n, 1.0 as w,
        ContextTokens as input_tokens, 0 as cached_tokens, GeneratedTokens as output_tokens,
        false as is_batch, null::double as measured_wh from {READ}"""
    )
    rows = {s: warehouse.query(mart_sql(s)) for s in ("low", "mid", "high")}
    assert sum(map(len, rows.values())) == len(expected) == 3
    for scenario, [row] in rows.items():
        day, *values = row.values()
        assert values == pytest.approx(expected[(str(day), scenario)], rel=1e-9)
