"""Overrides of factors and frozen months: every rule, and what is kept of them."""

from __future__ import annotations

import math
import re
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecomind.factor_keys import FactorFilesUnreadable, read_factor_keys
from ecomind.identity import IdentityError, IdentityStore, NewOverride, open_store
from ecomind.settings import Settings

JANUARY, JULY = date(2026, 1, 1), date(2026, 7, 1)
SWEDEN: dict[str, Any] = {
    "org_id": "acme",
    "factor_type": "grid_location",
    "key": "SWE",
    "value_mid": 20.0,
    "valid_from": JANUARY,
    "reason": "supplier's disclosure",
}


@pytest.fixture
def store(settings: Settings) -> IdentityStore:
    opened = open_store(settings)
    opened.organizations.create("acme", "Acme")
    opened.organizations.create("beta", "Beta")
    return opened


def record(store: IdentityStore, **changes: Any) -> str:
    return store.overrides.record(NewOverride(**{**SWEDEN, **changes}))


def test_an_override_is_kept_with_its_defaults(store: IdentityStore) -> None:
    before = datetime.now(UTC)
    override_id = record(store, evidence="contract 17")
    (row,) = store.overrides.rows()
    assert re.fullmatch(r"o_[0-9a-f]{12}", override_id)
    assert before <= row.pop("recorded_at") <= datetime.now(UTC)
    assert row == {
        "override_id": override_id,
        "org_id": "acme",
        "factor_type": "grid_location",
        "key": "SWE",
        "value_low": 20.0,
        "value_mid": 20.0,
        "value_high": 20.0,
        "unit": "gCO2e/kWh",
        "valid_from": JANUARY,
        "valid_to": None,
        "reason": "supplier's disclosure",
        "evidence": "contract 17",
        "dq_score": 3,
        "withdrawn_at": None,
        "withdrawal_reason": None,
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"org_id": "nope"}, "there is no organisation nope"),
        ({"factor_type": "grid"}, "grid is not a type that can be overridden"),
        ({"factor_type": "unit_", "key": "x"}, "unit_ is not a type"),
        ({"factor_type": "unit_horse", "key": "x"}, "unit_horse is not a type"),
        ({"factor_type": "embodied_input", "key": "a100-gpu"}, "embodied_input is not a type"),
        ({"factor_type": "grid_location_non_baseload", "key": "US-AKGD"}, "is not a type"),
        ({"key": "SWX"}, "the factor files have no grid_location of SWX"),
        ({"factor_type": "pue", "key": "aws/mars-1", "value_mid": 1.2}, "neither cloud/region"),
        ({"factor_type": "wue", "key": "acme"}, "neither cloud/region"),
        ({"factor_type": "grid_market", "key": "SWE"}, "neither cloud/region"),
        ({"factor_type": "model_call", "key": "My-Model"}, "nor the name of a model"),
        ({"factor_type": "model_call", "key": "labs/mine"}, "nor the name of a model"),
        ({"factor_type": "model_call", "key": "my model"}, "nor the name of a model"),
        ({"factor_type": "model_call", "key": "*"}, "nor the name of a model"),
        ({"factor_type": "model_call", "key": ""}, "nor the name of a model"),
        ({"factor_type": "unit_image", "key": "Mine"}, "nor the name of a model"),
        ({"factor_type": "method_parameter", "key": "luck"}, "no method_parameter of luck"),
        ({"unit": "kgCO2e/kWh"}, "given in gCO2e/kWh, not in kgCO2e/kWh"),
        ({"value_mid": -1.0}, "at least 0"),
        ({"value_low": 21.0}, "in this order"),
        ({"value_high": 19.0}, "in this order"),
        ({"value_mid": math.nan}, "must be finite"),
        ({"value_high": math.inf}, "must be finite"),
        ({"factor_type": "pue", "key": "openai", "value_mid": 0.99}, "a PUE is at least 1"),
        (
            {"factor_type": "pue", "key": "openai", "value_mid": 1.1, "value_low": 0.9},
            "a PUE is at least 1, not 0.9",
        ),
        ({"valid_to": JANUARY}, "must lie after"),
        ({"valid_to": date(2025, 1, 1)}, "must lie after"),
        ({"reason": " "}, "an override needs a reason"),
        ({"reason": "x" * 1001}, "at most 1000 characters, not 1001"),
        ({"evidence": ""}, "evidence is a document"),
        ({"dq_score": 0}, "from 1 to 5, not 0"),
        ({"dq_score": 6}, "from 1 to 5, not 6"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    store: IdentityStore, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(IdentityError, match=re.escape(told)) as refused:
        record(store, **changes)
    assert "\n" not in str(refused.value)
    assert store.overrides.rows() == []


@pytest.mark.parametrize(
    ("changes", "unit"),
    [
        ({"factor_type": "pue", "key": "aws/eu-central-1", "value_mid": 1.0}, "kWh/IT kWh"),
        ({"factor_type": "wue", "key": "self-hosted"}, "L/IT kWh"),
        ({"factor_type": "grid_market", "key": "aws/us-west-1"}, "gCO2e/kWh"),
        ({"factor_type": "grid_market", "key": "openai", "value_mid": 0.0}, "gCO2e/kWh"),
        ({"factor_type": "model_call", "key": "openai/gpt-4o"}, "kWh/call"),
        ({"factor_type": "model_call", "key": "in-house-reasoner-2"}, "kWh/call"),
        ({"factor_type": "model_output", "key": "openai/gpt-4o"}, "Wh/1k output tokens"),
        ({"factor_type": "unit_image", "key": "our.painter:2"}, "kWh/image"),
        ({"factor_type": "unit_image", "key": "*"}, "kWh/image"),
        ({"factor_type": "water_offsite", "key": "SWE"}, "L/kWh"),
        ({"factor_type": "water_offsite_without_hydro", "key": "SWE"}, "L/kWh"),
        ({"factor_type": "embodied", "key": "*"}, "gCO2e/IT kWh"),
        ({"factor_type": "method_parameter", "key": "batch_tier_factor"}, "ratio"),
        (
            {"factor_type": "method_parameter", "key": "reference_output_tokens"},
            "tokens/call",
        ),
    ],
)
def test_what_the_models_apply_can_be_overridden(
    store: IdentityStore, changes: dict[str, Any], unit: str
) -> None:
    record(store, **changes)
    assert [row["unit"] for row in store.overrides.rows()] == [unit]
    with pytest.raises(IdentityError, match=f"given in {unit}, not in furlongs"):
        record(store, **changes, org_id="beta", unit="furlongs")
    record(store, **changes, org_id="beta", unit=unit)


def test_standing_overrides_of_a_factor_do_not_overlap(store: IdentityStore) -> None:
    first = record(store, valid_to=JULY)
    refused = (
        {},
        {"valid_from": date(2025, 1, 1)},
        {"valid_from": date(2025, 1, 1), "valid_to": date(2026, 1, 2)},
        {"valid_from": date(2026, 6, 30), "valid_to": date(2026, 7, 2)},
        {"valid_from": date(2026, 3, 1), "valid_to": date(2026, 4, 1)},
    )
    for changes in refused:
        with pytest.raises(IdentityError, match=f"the override {first} holds for"):
            record(store, **changes)
    record(store, valid_from=JULY)
    record(store, valid_from=date(2025, 1, 1), valid_to=JANUARY)
    record(store, key="NOR")
    record(store, factor_type="water_offsite")
    record(store, org_id="beta")
    store.overrides.withdraw(first, "the supplier corrected it")
    record(store, valid_to=JULY)
    assert len(store.overrides.rows("acme")) == 6
    assert [row["org_id"] for row in store.overrides.rows("beta")] == ["beta"]


def test_an_override_is_withdrawn_once_and_keeps_its_row(store: IdentityStore) -> None:
    override_id = record(store)
    (before,) = store.overrides.rows()
    with pytest.raises(IdentityError, match="a withdrawal needs a reason"):
        store.overrides.withdraw(override_id, "")
    with pytest.raises(IdentityError, match="there is no override o_nope"):
        store.overrides.withdraw("o_nope", "a mistake")
    store.overrides.withdraw(override_id, "a mistake")
    (after,) = store.overrides.rows()
    assert after["withdrawn_at"] >= before["recorded_at"]
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"withdrawn_at", "withdrawal_reason"}
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    with pytest.raises(IdentityError, match=f"was withdrawn on {today}"):
        store.overrides.withdraw(override_id, "again")
    assert store.overrides.rows() == [after]


def own(store: IdentityStore, factor_type: str, **changes: Any) -> str:
    return record(store, factor_type=factor_type, key="mine", **changes)


def test_terms_of_an_own_model_need_its_energy_per_call(store: IdentityStore) -> None:
    for term in ("model_output", "model_input", "model_context"):
        with pytest.raises(IdentityError, match="override its model_call first"):
            own(store, term)
    first = own(store, "model_call", valid_to=JULY)
    with pytest.raises(IdentityError, match="for all days from 2026-01-01 on"):
        own(store, "model_output")
    with pytest.raises(IdentityError, match="for all days"):
        own(store, "model_output", valid_from=date(2025, 12, 31), valid_to=JULY)
    with pytest.raises(IdentityError, match="override its model_call first"):
        own(store, "model_output", org_id="beta", valid_to=JULY)
    within = own(store, "model_output", valid_from=date(2026, 2, 1), valid_to=JULY)
    second = own(store, "model_call", valid_from=JULY)
    both = own(store, "model_input")
    for call, terms in ((first, f"({within}|{both})"), (second, both)):
        with pytest.raises(IdentityError, match=f"the override {terms} .* needs this one"):
            store.overrides.withdraw(call, "a mistake")
    store.overrides.withdraw(both, "a mistake")
    store.overrides.withdraw(second, "a mistake")
    with pytest.raises(IdentityError, match=f"the override {within}"):
        store.overrides.withdraw(first, "a mistake")
    store.overrides.withdraw(within, "a mistake")
    store.overrides.withdraw(first, "a mistake")
    with pytest.raises(IdentityError, match="override its model_call first"):
        own(store, "model_output", valid_to=JULY)


def test_terms_of_a_known_model_need_nothing(store: IdentityStore) -> None:
    known = {"key": "openai/gpt-4o"}
    call = record(store, factor_type="model_call", **known)
    record(store, factor_type="model_output", **known)
    store.overrides.withdraw(call, "a mistake")


def test_of_two_at_the_same_time_one_is_recorded(settings: Settings, store: IdentityStore) -> None:
    stores = [open_store(settings) for _ in range(4)]
    ready, told = threading.Barrier(len(stores)), []

    def compete(each: IdentityStore) -> None:
        ready.wait()
        try:
            record(each)
        except IdentityError as refused:
            told.append(str(refused))

    threads = [threading.Thread(target=compete, args=(each,)) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.overrides.rows()) == 1
    assert len(told) == len(stores) - 1


def test_a_factor_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(FactorFilesUnreadable, match=r"accepted_units\.csv cannot be read"):
        read_factor_keys(tmp_path)
    (tmp_path / "accepted_units.csv").write_text("factor_type\npue\n")
    with pytest.raises(FactorFilesUnreadable, match=r"accepted_units\.csv has no column unit"):
        read_factor_keys(tmp_path)


def _month_before(months: int) -> tuple[str, date]:
    """A past month and the first day after it."""
    after = datetime.now(UTC).date().replace(day=1)
    for _ in range(months - 1):
        after = (after - timedelta(days=1)).replace(day=1)
    return f"{after - timedelta(days=1):%Y-%m}", after


def test_a_month_is_frozen_once(store: IdentityStore) -> None:
    month, after = _month_before(2)
    start = date.fromisoformat(f"{month}-01")
    assert store.freezes.freeze("acme", month, after) == after
    assert store.freezes.freeze("acme", month, after) == after
    with pytest.raises(IdentityError, match=f"{month} of acme is frozen already, on {after}"):
        store.freezes.freeze("acme", month, after + timedelta(days=1))
    today = datetime.now(UTC).date()
    assert store.freezes.freeze("beta", month) in {today, datetime.now(UTC).date()}
    rows = store.freezes.rows()
    assert [(row["org_id"], row["period_start"]) for row in rows] == [
        ("acme", start), ("beta", start)
    ]  # fmt: skip
    assert store.freezes.rows("acme") == [
        {"org_id": "acme", "period_start": start, "frozen_on": after}
    ]


def test_a_month_that_is_not_over_is_not_frozen(store: IdentityStore) -> None:
    today = datetime.now(UTC).date()
    past, after = _month_before(1)
    refused: list[tuple[str, date | None, str]] = [
        (f"{today:%Y-%m}", None, "can be frozen from"),
        (past, after - timedelta(days=1), f"can be frozen from {after} on"),
        (past, today + timedelta(days=2), "is to come"),
        ("2999-01", None, "can be frozen from 2999-02-01 on"),
        ("2026-13", None, "is not a month written YYYY-MM"),
        ("2026-1", None, "is not a month written YYYY-MM"),
        ("2026-01-01", None, "is not a month written YYYY-MM"),
        ("0000-01", None, "is not a month written YYYY-MM"),
    ]
    for month, day, told in refused:
        with pytest.raises(IdentityError, match=re.escape(told)):
            store.freezes.freeze("acme", month, day)
    with pytest.raises(IdentityError, match="no organisation nope"):
        store.freezes.freeze("nope", past)
    assert store.freezes.rows() == []
    assert store.freezes.freeze("acme", "2024-02", date(2024, 3, 1)) == date(2024, 3, 1)
    assert store.freezes.freeze("acme", "2023-12", date(2024, 1, 1)) == date(2024, 1, 1)
