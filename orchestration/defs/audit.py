"""Audit: acceptance of the published figures, the auditor's pages, the nightly full audit."""

from typing import Final

import dagster as dg
from dagster_dbt import DbtCliResource

from ecomind.settings import get_settings
from ecomind.warehouse.snapshot import current_snapshot
from orchestration.names import (
    AUDIT,
    DATA_DOCS,
    DBT_DOCS,
    SNAPSHOT,
    WAREHOUSE_AUDIT,
    WAREHOUSE_POOL,
)

RUN_RESULTS: Final = "run_results.json"
ACCEPTED_CHECK = "published_figures_are_acceptable"
# dbt's page cuts the descriptions of columns, and with them units and formulas, after a few words.
_WHOLE_DESCRIPTIONS: Final = """<style>
tr.column-row td:nth-child(3) {white-space: normal !important; max-width: none !important}
tr.column-row td:first-child {overflow-wrap: anywhere; min-width: 14em}
table th:nth-child(3) {width: 60%}
</style>"""


@dg.asset(
    key=DATA_DOCS,
    group_name=AUDIT,
    deps=[SNAPSHOT],
    kinds={"greatexpectations"},
    check_specs=[
        dg.AssetCheckSpec(
            ACCEPTED_CHECK,
            asset=DATA_DOCS,
            description="The published snapshot meets the acceptance suite shown in the Data Docs.",
        )
    ],
    description="Great Expectations' Data Docs of the published snapshot.",
)
def data_docs() -> dg.MaterializeResult:
    """Hold the published snapshot against the acceptance suite and rebuild its pages."""
    from orchestration.acceptance import accept  # noqa: PLC0415 - heavy, wanted only here.

    settings = get_settings()
    snapshot = current_snapshot(settings)
    verdicts = accept(snapshot, settings.documents_dir / "data")
    failed = [verdict for verdict in verdicts if not verdict.holds]
    return dg.MaterializeResult(
        metadata={"snapshot_id": snapshot.snapshot_id, "expectations": len(verdicts)},
        check_results=[
            dg.AssetCheckResult(
                check_name=ACCEPTED_CHECK,
                passed=not failed,
                description="; ".join(
                    f"{verdict.mart}: {verdict.sentence}: {verdict.details}" for verdict in failed
                )
                or "Every expectation holds.",
                metadata={"expectations": len(verdicts), "failed": len(failed)},
            )
        ],
    )


@dg.asset(
    key=DBT_DOCS,
    group_name=AUDIT,
    deps=[SNAPSHOT],
    pool=WAREHOUSE_POOL,
    kinds={"dbt"},
    description="dbt docs as one static page: models, columns, formulas, tests, lineage.",
)
def dbt_docs(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> dg.MaterializeResult:
    """Generate the static dbt docs and put them in place at once."""
    settings = get_settings()
    target = settings.dbt_target_dir / "docs"
    arguments = ["docs", "generate", "--static"]
    dbt.cli(arguments, target_path=target).wait()
    page = (target / "static_index.html").read_text(encoding="utf-8")
    folder = settings.documents_dir / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / "index.html.new"
    new.write_text(page.replace("</head>", f"{_WHOLE_DESCRIPTIONS}</head>", 1), encoding="utf-8")
    size_bytes = new.stat().st_size
    new.replace(folder / "index.html")
    return dg.MaterializeResult(metadata={"size_bytes": size_bytes})


@dg.asset(
    key=WAREHOUSE_AUDIT,
    group_name=AUDIT,
    deps=[SNAPSHOT],
    pool=WAREHOUSE_POOL,
    kinds={"dbt"},
    check_specs=[
        dg.AssetCheckSpec("full_history_tests_pass", asset=WAREHOUSE_AUDIT),
        dg.AssetCheckSpec("every_landed_file_is_loaded", asset=WAREHOUSE_AUDIT),
    ],
    description="Tests that scan all history, and the landing zone compared with the raw store.",
)
def warehouse_audit(dbt: DbtCliResource) -> dg.MaterializeResult:
    """Run the tests over all history and look for landed files that no load dealt with."""
    from orchestration.landing_audit import files_never_loaded  # noqa: PLC0415 - heavy import.

    settings = get_settings()
    arguments = ["test", "--select", "tag:audit"]
    target = settings.dbt_target_dir / "audit"
    (target / RUN_RESULTS).unlink(missing_ok=True)  # Else a run that broke would show the last.
    invocation = dbt.cli(arguments, target_path=target, raise_on_error=False).wait()
    results = invocation.get_artifact(RUN_RESULTS)["results"]
    failed = [result["unique_id"] for result in results if result["status"] in {"fail", "error"}]
    missed = files_never_loaded(settings)
    return dg.MaterializeResult(
        metadata={"tests": len(results)},
        check_results=[
            dg.AssetCheckResult(
                check_name="full_history_tests_pass",
                passed=not failed,
                description=", ".join(failed) or "Every test passes.",
                metadata={"tests": len(results), "failed": len(failed)},
            ),
            dg.AssetCheckResult(
                check_name="every_landed_file_is_loaded",
                passed=not missed,
                description=", ".join(missed[:20]) or "No landed file was missed.",
                metadata={"missed_files": len(missed)},
            ),
        ],
    )
