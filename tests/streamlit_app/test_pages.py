"""Every page, run as Streamlit runs it, for every role."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ecomind.identity import Preferences, Principal, Role, Scope
from ecomind.settings import Settings
from ecomind.warehouse.snapshot import SnapshotRef, current_snapshot
from streamlit_app import formatting, session
from streamlit_app.data import Data
from streamlit_app.formatting import Quantity
from tests.streamlit_app.conftest import Open
from tests.streamlit_app.support import (
    APP,
    OTHERS,
    OURS,
    PAGES,
    SNAPSHOT_ID,
    Installation,
    bundle,
    install,
)

READERS = (Role.VIEWER, Role.ANALYST, Role.ADMIN)


def shown(app: AppTest) -> str:
    """Everything the page sent to the browser, tables and chart data included, as text."""
    texts: list[str] = []

    def walk(block: Any) -> None:
        for child in block.children.values():
            if hasattr(child, "children"):
                walk(child)
            texts.append(str(getattr(child, "proto", "")))

    walk(app._tree)
    texts += [table.value.to_csv() for table in app.dataframe]
    return "\n".join(texts)


def messages(app: AppTest) -> list[str]:
    assert [error.message for error in app.exception] == []
    return [element.value for kind in (app.error, app.warning, app.info) for element in kind]


@pytest.mark.parametrize("role", READERS)
def test_every_page_works_and_says_whose_data_how_fresh_and_how_good(
    open_page: Open, installation: Installation, role: Role
) -> None:
    bundle(installation.settings, OURS[0])
    app = open_page(role=role)
    for page in PAGES:
        app.switch_page(f"views/{page}.py").run()
        messages(app)
        assert len(app.title) == 1
        header = app.caption[0].value
        for part in (OURS[1], SNAPSHOT_ID, "14 Nov 2026 23:58 UTC", "Data quality", "default fact"):
            assert part in header, (page, part)
        text = shown(app)
        for foreign in (*OTHERS, f"u_{OTHERS[0]}"):
            assert foreign not in text, (page, foreign)
        assert installation.keys[role] not in text


def test_each_organisation_sees_only_itself_through_one_cache(
    open_page: Open, installation: Installation
) -> None:
    ours, theirs = open_page(), open_page(key=installation.others_key)
    for page in PAGES:
        for app, own, foreign in ((ours, OURS, OTHERS), (theirs, OTHERS, OURS)):
            app.switch_page(f"views/{page}.py").run()
            text = shown(app)
            assert own[1] in text
            assert foreign[1] not in text
            assert foreign[0] not in text


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "Paste your access key"),
        ("nonsense", "This key is not valid"),
        ("eco_live_00000000_" + "0" * 49, "This key is not valid"),
    ],
)
def test_nothing_is_shown_for_a_wrong_key(
    installation: Installation, key: str, sentence: str
) -> None:
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    app.text_input(key="login_key").input(key)
    app.button[0].click().run()
    assert app.error[0].value.startswith(sentence)
    assert_signed_out(app)


def test_a_key_that_only_sends_events_does_not_open_the_dashboard(open_page: Open) -> None:
    app = open_page(role=Role.INGEST)
    assert "does not open the dashboard" in app.error[0].value
    assert_signed_out(app)


def assert_signed_out(app: AppTest) -> None:
    assert not app.metric
    assert not app.dataframe
    assert not app.selectbox
    assert OURS[1] not in shown(app)


def test_no_page_opens_without_a_login(installation: Installation) -> None:
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    for page in PAGES:
        app.switch_page(f"views/{page}.py").run()
        assert app.title[0].value == "EcoMind"
        assert_signed_out(app)


def test_the_key_is_not_left_in_the_form_or_the_address(
    open_page: Open, installation: Installation
) -> None:
    app = open_page()
    key = installation.keys[Role.ADMIN]
    kept = {name: value for name, value in app.session_state.items() if key in str(value)}
    assert kept == {}, "the key's text shows in a printed session"
    assert app.query_params == {}


def test_a_revoked_key_stops_working(
    open_page: Open, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page()
    admin = next(k for k in installation.store.keys.listed(OURS[0]) if k.role is Role.ADMIN)
    installation.store.keys.revoke(admin.org_id, admin.key_id)
    monkeypatch.setattr(session, "RECHECK_S", 0.0)
    app.run()
    assert "no longer valid" in app.warning[0].value
    assert_signed_out(app)


def test_signing_out_forgets_everything(open_page: Open) -> None:
    app = open_page()
    app.sidebar.button(key="sign_out").click().run()
    assert_signed_out(app)
    assert "signed_in" not in app.session_state


def test_people_are_shown_only_to_those_who_may_see_them(open_page: Open) -> None:
    admin = open_page("people", Role.ADMIN)
    assert "Ada Okafor" in shown(admin)
    for role in (Role.VIEWER, Role.ANALYST):
        app = open_page("people", role)
        text = shown(app)
        assert "Ada Okafor" not in text
        assert "u_aurelia" not in text
        assert any("people:read" in message and "5 people" in message for message in messages(app))
        teams = set(app.dataframe[0].value["Team"])
        assert {"Research", "Small teams together"} <= teams
        assert "Platform engineering" not in teams


def test_headline_numbers_are_the_sums_of_the_mart(
    open_page: Open, installation: Installation
) -> None:
    app = open_page(role=Role.VIEWER)
    with current_snapshot(installation.settings).connect() as connection:
        sums = connection.execute(
            "SELECT sum(energy_mid_kwh), sum(energy_low_kwh), sum(energy_high_kwh),"
            " sum(co2e_total_location_mid_kg), sum(co2e_total_market_mid_kg), sum(calls),"
            " sum(input_tokens + cached_input_tokens + output_tokens)"
            " FROM mart.org_footprint_daily"
            " WHERE org_id = ? AND usage_date BETWEEN '2026-10-16' AND '2026-11-14'",
            [OURS[0]],
        ).fetchone()
    assert sums is not None
    energy, low, high, location, market, calls, tokens = sums
    shown_values = {metric.label: metric.value for metric in app.metric}
    assert shown_values.pop("Water")
    assert shown_values == {
        "Energy": formatting.amount(energy, Quantity.ENERGY),
        "Carbon, location-based": formatting.amount(location, Quantity.CARBON),
        "Carbon, market-based": formatting.amount(market, Quantity.CARBON),
        "Calls": formatting.count(calls),
        "Tokens": formatting.count(tokens),
        "Carbon intensity, location-based": formatting.amount(
            location / tokens * 1e6, Quantity.CARBON_PER_MILLION_TOKENS
        ),
    }
    ranges = [caption.value for caption in app.caption if caption.value.startswith("Range ")]
    unit = formatting.unit_for(Quantity.ENERGY, energy)
    assert ranges[0] == f"Range {formatting.interval(low, high, Quantity.ENERGY, unit)}"
    assert len(ranges) == 5


def test_the_period_before_is_compared_when_data_covers_it(open_page: Open) -> None:
    app = open_page()
    assert any("No change is shown" in caption.value for caption in app.caption)
    app.sidebar.selectbox(key="period").select("Last 7 days of data").run()
    assert all(metric.delta.endswith("%") for metric in app.metric)
    assert any("1 Nov 2026 to 7 Nov 2026" in caption.value for caption in app.caption)


def test_a_period_without_usage_says_what_to_do(open_page: Open) -> None:
    app = open_page()
    app.sidebar.selectbox(key="period").select("Other dates").run()
    app.sidebar.date_input(key="dates").set_value((date(2020, 1, 1), date(2020, 1, 31))).run()
    for page in PAGES:
        app.switch_page(f"views/{page}.py").run()
        found = messages(app)
        if page in ("overview", "trends", "models", "people", "regions"):
            assert any("choose a period between 1 Oct 2026 and 14 Nov" in text for text in found)
        assert "31 Jan 2020" in app.caption[0].value
        if page == "data_health":
            assert "Received" in [metric.label for metric in app.metric]


def test_half_a_period_asks_for_the_other_end(open_page: Open) -> None:
    app = open_page()
    app.sidebar.selectbox(key="period").select("Other dates").run()
    app.sidebar.date_input(key="dates").set_value((date(2026, 11, 1),)).run()
    assert messages(app) == ["Choose a last day too, so that the period has two ends."]


def test_the_basis_reaches_every_page_and_is_kept(open_page: Open) -> None:
    app = open_page()
    app.sidebar.radio(key="basis").set_value("market").run()
    for page in ("models", "overview", "regions"):
        app.switch_page(f"views/{page}.py").run()
        assert "carbon shown market-based" in app.caption[0].value
        assert "no market factor" in app.caption[0].value


@pytest.mark.parametrize("split", ["Team", "Model", "Provider", "Region", "Source"])
def test_trends_split_every_way(open_page: Open, split: str) -> None:
    app = open_page("trends", Role.VIEWER)
    app.selectbox(key="trend_split").select(split)
    for grain in ("Day", "Week", "Month"):
        app.selectbox(key="trend_grain").select(grain).run()
        assert messages(app) == []
    app.selectbox(key="trend_metric").select("Energy per million tokens").run()
    assert len(messages(app)) == 1


def test_before_the_first_load_one_sentence_says_what_to_do(settings: Settings) -> None:
    installation = install(settings, published=False)
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    app.text_input(key="login_key").input(installation.keys[Role.VIEWER])
    app.button[0].click().run()
    assert app.title[0].value == "No data yet"
    assert "ecomind load" in messages(app)[0]
    assert app.sidebar.button(key="sign_out")


def test_an_organisation_without_usage_is_told_how_to_send(installation: Installation) -> None:
    installation.store.organizations.create("zephyr", "Zephyr Ltd")
    key, _info = installation.store.keys.create("zephyr", Role.VIEWER, "viewer")
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    app.text_input(key="login_key").input(key)
    app.button[0].click().run()
    assert app.title[0].value == "No usage yet"
    assert "Zephyr Ltd has no AI usage" in messages(app)[0]


def test_reports_are_listed_and_downloaded(open_page: Open, installation: Installation) -> None:
    app = open_page("reports", Role.VIEWER)
    assert "No report has been made yet" in messages(app)[0]
    bundle(installation.settings, OURS[0])
    bundle(installation.settings, OTHERS[0], "2026-09")
    app.run()
    assert messages(app) == []
    assert [button.label for button in app.download_button] == ["PDF", "CSV", "Manifest"]
    assert "2026-09" not in shown(app)


def test_a_damaged_bundle_is_one_sentence(open_page: Open, installation: Installation) -> None:
    (bundle(installation.settings, OURS[0]) / "manifest.json").write_text("{")
    assert "is damaged" in messages(open_page("reports", Role.VIEWER))[0]


def test_the_method_page_names_sources_and_the_auditors_pages(open_page: Open) -> None:
    app = open_page("method", Role.VIEWER)
    table = app.dataframe[0].value
    assert set(table["Link"].str.startswith("https://")) == {True}
    assert {"Source", "Licence", "Low", "Central", "High", "Quality"} <= set(table.columns)
    text = shown(app)
    assert "http://127.0.0.1:8088/" in text
    assert "audit:read" in text


def test_frames_are_cached_apart_by_organisation_and_rights() -> None:
    snapshot = SnapshotRef("s", APP, datetime(2026, 11, 15, tzinfo=UTC), None)
    keys = {
        Data(snapshot, Principal(org, org, "k", Role.VIEWER, scopes))._key
        for org in ("a", "b")
        for scopes in (frozenset({Scope.MARTS_READ}), frozenset(Scope))
    }
    assert len(keys) == 4


def test_billing_sees_totals_and_nothing_below_them(
    open_page: Open, installation: Installation
) -> None:
    app = open_page(role=Role.BILLING)
    messages(app)
    assert [title.value for title in app.title] == ["Totals"]
    assert not [radio for radio in app.radio if radio.label == "Figures"]
    text = shown(app)
    assert "research" not in text.lower()
    assert "gpt" not in text.lower()
    principal = installation.store.authenticate(installation.keys[Role.BILLING])
    assert principal is not None
    data = Data(current_snapshot(installation.settings), principal)
    for mart in ("team_footprint_daily", "model_footprint_daily", "user_footprint_daily"):
        with pytest.raises(PermissionError):
            data.mart(mart)


def test_an_analyst_sees_people_where_the_organisation_allows_it(
    open_page: Open, installation: Installation
) -> None:
    assert "People" not in [each.value for each in open_page("people", Role.ANALYST).subheader]
    installation.store.organizations.configure(OURS[0], Preferences(analysts_see_people=True))
    app = open_page("people", Role.ANALYST)
    messages(app)
    assert "People" in [each.value for each in app.subheader]
