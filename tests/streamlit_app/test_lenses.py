"""Figures as reported and as known now, on a warehouse whose months were really restated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ecomind.identity import Principal, Role, Scope
from ecomind.settings import Settings
from ecomind.warehouse.bundles import RESTATEMENT
from ecomind.warehouse.reader import Lens, OrgReader
from ecomind.warehouse.snapshot import current_snapshot
from streamlit_app import formatting, restatements
from streamlit_app.data import Data
from streamlit_app.formatting import Quantity
from tests.streamlit_app.conftest import Open
from tests.streamlit_app.support import APP, PAGES, bundle
from tests.support.restated import ORG_ID, ORG_NAME, install_restated

MAIN = ("Energy", "Water", "Carbon, location-based", "Carbon, market-based")
OpenRestated = Callable[[str, Lens], AppTest]


@pytest.fixture
def open_restated(settings: Settings) -> OpenRestated:
    """Opens a page over September to November under a lens."""
    keys = install_restated(settings)

    def open_(page: str, lens: Lens) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=30).run()
        app.text_input(key="login_key").input(keys[Role.ADMIN])
        app.button[0].click().run()
        app.sidebar.selectbox(key="period").select("All data").run()
        if lens is Lens.AS_REPORTED:
            app.sidebar.radio(key="lens").set_value(lens).run()
        if page != "overview":
            app.switch_page(f"views/{page}.py").run()
        return app

    return open_


def mart(settings: Settings, name: str, lens: Lens = Lens.RESTATED) -> list[dict[str, Any]]:
    principal = Principal(ORG_ID, ORG_NAME, "k", Role.ADMIN, frozenset(Scope))
    rows: list[dict[str, Any]] = (
        OrgReader(current_snapshot(settings), principal, lens).mart(name).to_pylist()
    )
    return rows


def test_as_known_now_is_the_default_and_goes_without_saying(open_page: Open) -> None:
    app = open_page()
    assert app.sidebar.radio(key="lens").value is Lens.RESTATED
    assert "as reported" not in app.caption[0].value


@pytest.mark.parametrize("lens", list(Lens))
def test_headlines_are_the_sums_of_the_lens(
    open_restated: OpenRestated, settings: Settings, lens: Lens
) -> None:
    app = open_restated("overview", lens)
    shown = {metric.label: metric.value for metric in app.metric}
    columns = {
        "Energy": ("energy_mid_kwh", Quantity.ENERGY),
        "Carbon, location-based": ("co2e_total_location_mid_kg", Quantity.CARBON),
        "Carbon, market-based": ("co2e_total_market_mid_kg", Quantity.CARBON),
    }
    for label, (column, quantity) in columns.items():
        sums = {
            each: formatting.amount(
                sum(row[column] for row in mart(settings, "org_footprint_daily", each)), quantity
            )
            for each in Lens
        }
        assert shown[label] == sums[lens]
        assert len(set(sums.values())) == 2, "the lenses would not differ on the page"


def test_the_lens_is_kept_across_pages_and_said_on_each(open_restated: OpenRestated) -> None:
    app = open_restated("overview", Lens.AS_REPORTED)
    for page in PAGES:
        app.switch_page(f"views/{page}.py").run()
        assert [error.message for error in app.exception] == []
        note = "figures **as reported** (restated since: Sep 2026, Oct 2026)"
        assert note in app.caption[0].value, page
    app.sidebar.selectbox(key="period").select("Last 7 days of data").run()
    assert "as reported** (no month of the period was restated since)" in app.caption[0].value


@pytest.mark.parametrize("page", ["models", "people", "regions"])
def test_tables_follow_the_lens(open_restated: OpenRestated, page: str) -> None:
    tables = {open_restated(page, lens).dataframe[0].value.to_csv() for lens in Lens}
    assert len(tables) == len(Lens)


def test_reports_page_sets_reported_beside_restated(
    open_restated: OpenRestated, settings: Settings
) -> None:
    app = open_restated("reports", Lens.RESTATED)
    table = app.dataframe[0].value
    assert list(table["Month"]) == ["Oct 2026"] * 4 + ["Sep 2026"] * 4
    assert list(table["Figure"]) == [*MAIN, *MAIN]
    rows = {
        (row["period_start"], row["metric"]): row
        for row in mart(settings, "org_restatement_monthly")
    }
    row = rows[date(2026, 10, 1), "energy_mid_kwh"]
    shown = table.iloc[0]
    assert shown["As reported"] == formatting.amount(row["value_as_reported"], Quantity.ENERGY)
    assert shown["As known now"] == formatting.amount(row["value_restated"], Quantity.ENERGY)
    assert row["difference"] > 0 and shown["Difference"].startswith("+")
    flags = {True: restatements.SIGNIFICANT, False: restatements.SMALL}
    expected = [
        flags[rows[month, metric]["is_significant"]]
        for month in (date(2026, 10, 1), date(2026, 9, 1))
        for metric in (
            "energy_mid_kwh",
            "water_mid_l",
            "co2e_total_location_mid_kg",
            "co2e_total_market_mid_kg",
        )
    ]
    assert list(table["Size"]) == expected
    assert set(expected) == set(flags.values())


def test_parts_name_the_factor_rows_and_lead_to_the_method_page(
    open_restated: OpenRestated,
) -> None:
    app = open_restated("reports", Lens.RESTATED)
    app.selectbox(key="restated_figure").select("co2e_total_market_mid_kg").run()
    parts = app.table[0].value
    assert {"PUE", "IT energy", "Grid, market-based", "Manufacture of hardware"} == set(
        parts["Part of the formula"]
    )
    assert any("`override:o_1`" in text for text in parts["Factor rows now"])
    assert any("`pue:azure/eastus" in text for text in parts["Factor rows then"])
    sizes = [
        abs(float(text.replace(",", ""))) for text in parts.filter(like="Difference").iloc[:, 0]
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert app.get("page_link")


def test_datapoints_follow_the_lens(open_restated: OpenRestated) -> None:
    values = {}
    for lens in Lens:
        app = open_restated("reports", lens)
        app.selectbox(key="report_month").select("2026-09").run()
        values[lens] = dict(
            zip(*(app.dataframe[1].value[c] for c in ("Datapoint", "Value")), strict=True)
        )
    electricity = "Electricity used by AI services"
    assert values[Lens.RESTATED][electricity] > values[Lens.AS_REPORTED][electricity]


def test_the_bundle_of_a_restated_month_offers_its_further_file(
    open_restated: OpenRestated, settings: Settings
) -> None:
    bundle(settings, ORG_ID, "2026-11")
    bundle(settings, ORG_ID, "2026-09", RESTATEMENT)
    app = open_restated("reports", Lens.RESTATED)
    labels = [button.label for button in app.download_button]
    assert labels == ["PDF", "CSV", "Manifest", "PDF", "CSV", "Restatement", "Manifest"]
    assert any("**2026-09**, version 1, restated" in text.value for text in app.markdown)
    assert not app.warning


def test_a_report_older_than_the_restatement_is_named(
    open_restated: OpenRestated, settings: Settings
) -> None:
    for month in ("2026-11", "2026-10", "2026-09"):
        bundle(settings, ORG_ID, month, *([RESTATEMENT] if month == "2026-10" else []))
    app = open_restated("reports", Lens.RESTATED)
    [warning] = app.warning
    assert f"`ecomind report {ORG_ID} 2026-09`" in warning.value


def test_overrides_are_marked_among_the_factors(open_restated: OpenRestated) -> None:
    app = open_restated("method", Lens.RESTATED)
    table = app.dataframe[0].value
    own = table[table["Override"] == "our own"]
    assert set(own["Factor"]) == {"override:o_1", "override:o_2"}
    assert len(own) < len(table)
    assert any("2 of them are overrides" in caption.value for caption in app.caption)


def test_without_restated_months_one_sentence_says_so(open_page: Open) -> None:
    app = open_page("reports", Role.VIEWER)
    assert any("No month was restated" in text.value for text in app.success)
    assert not app.table


def test_frames_of_the_lenses_are_cached_apart(settings: Settings) -> None:
    install_restated(settings)
    principal = Principal(ORG_ID, ORG_NAME, "k", Role.ADMIN, frozenset(Scope))
    snapshot = current_snapshot(settings)
    assert len({Data(snapshot, principal, lens)._key for lens in Lens}) == 2
