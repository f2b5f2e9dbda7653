"""What an auditor may expect of every published snapshot, and the pages that show it holds.

Belongs here: the acceptance suite (Great Expectations) and building its Data Docs. Does not
belong here: truths about how marts are computed; those are dbt's tests and run before anything
is published.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from ecomind.warehouse.snapshot import SnapshotRef

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

_SCENARIOS = ("low", "mid", "high")
_METRICS = (
    ("energy", "kwh"),
    ("water", "l"),
    ("co2e_total_location", "kg"),
    ("co2e_total_market", "kg"),
)
_STYLE = Path(__file__).with_name("data_docs.css")
_INDEX = Path(__file__).with_name("data_docs_index.html")
_EXTERNAL = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<img\b[^>]*>",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one expectation of a mart held, in words, and what was seen."""

    mart: str
    sentence: str
    holds: bool
    details: str


def _daily_mart_expectations(gx: Any) -> Iterator[Any]:
    expect = gx.expectations
    for key in ("usage_date", "org_id", "factor_set_id", "method_version"):
        yield expect.ExpectColumnValuesToNotBeNull(column=key)
    yield expect.ExpectColumnValuesToBeBetween(column="events", min_value=1)
    for metric, unit in _METRICS:
        low, mid, high = (f"{metric}_{scenario}_{unit}" for scenario in _SCENARIOS)
        yield expect.ExpectColumnValuesToNotBeNull(column=mid)
        yield expect.ExpectColumnValuesToBeBetween(column=low, min_value=0)
        for larger, smaller in ((mid, low), (high, mid)):
            yield expect.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=larger, column_B=smaller, or_equal=True
            )
    yield expect.ExpectColumnValuesToBeBetween(
        column="data_quality_score", min_value=1, max_value=5
    )
    for share in ("default_factor_energy_share", "market_fallback_energy_share"):
        yield expect.ExpectColumnValuesToBeBetween(column=share, min_value=0, max_value=1)


def _datapoint_expectations(gx: Any) -> Iterator[Any]:
    expect = gx.expectations
    for key in ("org_id", "datapoint_id", "status", "unit"):
        yield expect.ExpectColumnValuesToNotBeNull(column=key)
    yield expect.ExpectColumnValuesToBeInSet(
        column="status", value_set=["computed", "user_supplied", "not_available", "refused"]
    )
    yield expect.ExpectCompoundColumnsToBeUnique(
        column_list=["org_id", "period_start", "datapoint_id"]
    )
    computed = 'status=="computed"'
    yield expect.ExpectColumnValuesToNotBeNull(
        column="value", row_condition=computed, condition_parser="pandas"
    )


def _as_reported_expectations(gx: Any) -> Iterator[Any]:
    yield from _daily_mart_expectations(gx)
    for activity in ("events", "calls"):
        yield gx.expectations.ExpectColumnPairValuesToBeEqual(
            column_A=activity, column_B=f"{activity}_as_known_now"
        )


def _restatement_expectations(gx: Any) -> Iterator[Any]:
    expect = gx.expectations
    for key in ("org_id", "period_start", "frozen_on", "metric", "unit", "is_significant"):
        yield expect.ExpectColumnValuesToNotBeNull(column=key)
    yield expect.ExpectCompoundColumnsToBeUnique(column_list=["org_id", "period_start", "metric"])
    for value in ("value_as_reported", "value_restated"):
        yield expect.ExpectColumnValuesToBeBetween(column=value, min_value=0)
    yield expect.ExpectColumnValuesToBeBetween(
        column="share_no_part_explains", min_value=0, max_value=_TOLERANCE
    )


def _part_expectations(gx: Any) -> Iterator[Any]:
    for key in ("org_id", "period_start", "metric", "term", "factor_ids"):
        yield gx.expectations.ExpectColumnValuesToNotBeNull(column=key)


_TOLERANCE = 1e-9
_SUITES: Mapping[str, Any] = {
    "mart.org_footprint_daily": _daily_mart_expectations,
    "mart.model_footprint_daily": _daily_mart_expectations,
    "as_reported.org_footprint_daily": _as_reported_expectations,
    "mart.org_restatement_monthly": _restatement_expectations,
    "mart.restatement": _part_expectations,
    "reporting.rpt_datapoint": _datapoint_expectations,
}
_FURTHER_COLUMNS: Mapping[str, str] = {
    "as_reported.org_footprint_daily": """
        (select events from mart.org_footprint_daily as now
            where now.org_id = t.org_id and now.usage_date = t.usage_date) as events_as_known_now,
        (select calls from mart.org_footprint_daily as now
            where now.org_id = t.org_id and now.usage_date = t.usage_date) as calls_as_known_now""",
    "mart.org_restatement_monthly": """
        abs(difference - coalesce((select sum(difference) from mart.restatement as part
            where part.org_id = t.org_id and part.period_start = t.period_start
            and part.metric = t.metric), 0))
        / nullif(greatest(value_as_reported, value_restated), 0) as share_no_part_explains""",
    "mart.restatement": "nullif(reported_factor_ids || restated_factor_ids, '') as factor_ids",
}
"""What a table is held against beside its own columns."""


def _frame(snapshot: SnapshotRef, mart: str) -> pd.DataFrame:
    further = f", {_FURTHER_COLUMNS[mart]}" if mart in _FURTHER_COLUMNS else ""
    query = f"select t.*{further} from {mart} as t order by all"
    with snapshot.connect() as connection:
        return connection.execute(query).to_arrow_table().to_pandas()


def _between(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    return f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "expect_column_values_to_not_be_null": lambda k: f"{k['column']} is never empty",
    "expect_column_values_to_be_between": lambda k: f"{k['column']} is {_between(k)}",
    "expect_column_pair_values_a_to_be_greater_than_b": lambda k: (
        f"{k['column_A']} is never below {k['column_B']}"
    ),
    "expect_column_pair_values_to_be_equal": lambda k: f"{k['column_A']} equals {k['column_B']}",
    "expect_column_values_to_be_in_set": lambda k: (
        f"{k['column']} is one of {', '.join(k['value_set'])}"
    ),
    "expect_compound_columns_to_be_unique": lambda k: (
        f"no two rows share {', '.join(k['column_list'])}"
    ),
}


def _verdicts(mart: str, result: Any) -> Iterator[Verdict]:
    for entry in result.results:
        config, seen = entry.expectation_config, entry.result or {}
        if entry.exception_info and entry.exception_info.get("raised_exception"):
            details = str(entry.exception_info.get("exception_message"))[:200]
        elif "unexpected_count" in seen:
            details = f"{seen['unexpected_count']:,} of {seen['element_count']:,} rows differ"
        else:
            details = "no figure"
        sentence = _SENTENCES[config.type](config.kwargs)
        if "row_condition" in config.kwargs:
            sentence += f", where {config.kwargs['row_condition']}"
        yield Verdict(mart, sentence, bool(entry.success), details)


def accept(snapshot: SnapshotRef, documents_dir: Path) -> list[Verdict]:
    """Hold a snapshot against the acceptance suite and rebuild the Data Docs.

    The pages replace those in ``documents_dir`` at once when they are complete.
    """
    import great_expectations as gx  # noqa: PLC0415 - five seconds, wanted only here.
    from great_expectations.data_context.types.base import (  # noqa: PLC0415
        ProgressBarsConfig as gx_progress_bars,
    )

    gx_context: Any = gx.get_context
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="ecomind-acceptance-") as folder:
        context = gx_context(mode="file", project_root_dir=folder)
        context.enable_analytics(False)
        context.variables.progress_bars = gx_progress_bars(globally=False)
        source = context.data_sources.add_pandas("snapshot")
        for mart, expectations in _SUITES.items():
            suite = context.suites.add(gx.ExpectationSuite(name=mart))
            for expectation in expectations(gx):
                suite.add_expectation(expectation)
            batch = source.add_dataframe_asset(mart).add_batch_definition_whole_dataframe("whole")
            definition = context.validation_definitions.add(
                gx.ValidationDefinition(name=mart, data=batch, suite=suite)
            )
            checked = definition.run(
                batch_parameters={"dataframe": _frame(snapshot, mart)},
                run_id=gx.RunIdentifier(
                    run_name=snapshot.snapshot_id, run_time=snapshot.published_at
                ),
            )
            verdicts += _verdicts(mart, checked)
        context.build_data_docs()
        site = Path(folder) / "gx" / "uncommitted" / "data_docs" / "local_site"
        _prepare_site(site, snapshot, verdicts)
        _replace_site(site, documents_dir)
    return verdicts


def _prepare_site(site: Path, snapshot: SnapshotRef, verdicts: list[Verdict]) -> None:
    """Take links to other hosts out of the pages and give them an index that needs no script."""
    style = _STYLE.read_text(encoding="utf-8")
    for page in site.rglob("*.html"):
        html = _EXTERNAL.sub("", page.read_text(encoding="utf-8"))
        page.write_text(html.replace("</head>", f"<style>{style}</style></head>", 1), "utf-8")
    shutil.rmtree(site / "static", ignore_errors=True)
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        _INDEX.read_text(encoding="utf-8")
    )
    marts = {mart: [v for v in verdicts if v.mart == mart] for mart in _SUITES}
    index = template.render(
        style=Markup(style),  # noqa: S704 - our own file.
        snapshot=snapshot,
        marts=marts,
        pages={mart: _validation_page(site, mart) for mart in marts},
        total=len(verdicts),
        failed=sum(not verdict.holds for verdict in verdicts),
    )
    (site / "index.html").write_text(index, encoding="utf-8")


def _validation_page(site: Path, mart: str) -> str:
    """Where the page of a mart's validation lies, relative to the index."""
    folder = site / "validations" / Path(*mart.split("."))
    return next(folder.rglob("*.html")).relative_to(site).as_posix()


def _replace_site(site: Path, documents_dir: Path) -> None:
    """Put the built pages in place of the old ones at once."""
    documents_dir.parent.mkdir(parents=True, exist_ok=True)
    new, old = documents_dir.with_suffix(".new"), documents_dir.with_suffix(".old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(site, new)
    if documents_dir.exists():
        documents_dir.rename(old)
    new.rename(documents_dir)
    shutil.rmtree(old, ignore_errors=True)
