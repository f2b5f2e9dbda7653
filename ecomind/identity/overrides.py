"""Factors an organisation puts in the place of the shared ones.

Belongs here: recording, withdrawing and listing overrides, and every rule about them. Does not
belong here: applying them (dbt). A recorded override is never changed: figures computed with it
must stay explainable. It can be withdrawn once.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ecomind.factor_keys import FactorKeys, read_factor_keys
from ecomind.identity.changes import Action, Changes
from ecomind.identity.errors import IdentityError, NotFound
from ecomind.identity.tables import FactorOverrideRow
from ecomind.settings import SEEDS_DIR

MODEL_TERMS = ("model_output", "model_input", "model_context")
PLACED = ("pue", "wue", "grid_market")
OVERRIDABLE = (
    "model_call", *MODEL_TERMS, "unit_*", "grid_location", *PLACED, "water_offsite",
    "water_offsite_without_hydro", "embodied", "method_parameter",
)  # fmt: skip
"""Types the models apply; other types of the factor files are inputs and references."""

DEFAULT_QUALITY = 3
TEXT_LENGTH = 1000
_MODEL_NAME = re.compile(r"^[a-z0-9][a-z0-9._:@+-]{0,255}\Z")

Span = tuple[date, date | None]
"""First day and first day after; None: no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOverride:
    """An override as asked for.

    ``value_low`` and ``value_high`` default to ``value_mid``, ``unit`` to the accepted one;
    ``valid_to`` is the first day the factor no longer applies to.
    """

    org_id: str
    factor_type: str
    key: str
    value_mid: float
    value_low: float | None = None
    value_high: float | None = None
    unit: str | None = None
    valid_from: date
    valid_to: date | None = None
    reason: str
    evidence: str | None = None
    dq_score: int = DEFAULT_QUALITY

    @property
    def name(self) -> str:
        """Type and key."""
        return f"{self.factor_type} of {self.key}"

    @property
    def values(self) -> tuple[float, float, float]:
        """Low, central and high value."""
        low = self.value_mid if self.value_low is None else self.value_low
        high = self.value_mid if self.value_high is None else self.value_high
        return low, self.value_mid, high


class OverrideStore:
    """The overrides of the control store; ``seeds_dir`` holds the shared factor files."""

    def __init__(self, changes: Changes, seeds_dir: Path = SEEDS_DIR) -> None:
        """Read and change through ``changes``."""
        self._changes = changes
        self._seeds_dir = seeds_dir

    def record(self, new: NewOverride) -> str:
        """Record an override; returns its id.

        Raises ``IdentityError`` naming the rule it breaks; nothing is stored then.
        """
        keys = read_factor_keys(self._seeds_dir)
        with self._changes.make(Action.OVERRIDE_RECORD, new.org_id, "override") as change:
            session = change.session
            _check_type(new, keys)
            standing = _standing(session, new.org_id, new.key)
            _check_key(new, keys, standing)
            unit = _check_unit(new, keys)
            _check_figures(new)
            _check_days(new)
            _check_texts(new)
            _check_overlap(new, standing)
            row = _row(new, unit)
            session.add(row)
            change.target = f"override/{row.override_id}"
            change.facts = {"factor_type": row.factor_type, "key": row.key, "value": row.value_mid}
            return row.override_id

    def withdraw(self, override_id: str, reason: str, org_id: str | None = None) -> None:
        """End an override's use from now on; what was known before stays known.

        Raises ``IdentityError`` when it is unknown, not of the organisation if one is named,
        withdrawn already or needed by another.
        """
        _check_text("a withdrawal needs a reason", reason)
        with self._changes.read() as session:
            known = session.get(FactorOverrideRow, override_id)
        if known is None or org_id not in (None, known.org_id):
            raise NotFound(f"there is no override {override_id}")
        target = f"override/{override_id}"
        with self._changes.make(Action.OVERRIDE_WITHDRAW, known.org_id, target) as change:
            session = change.session
            found = session.get_one(FactorOverrideRow, override_id)
            if found.withdrawn_at is not None:
                raise IdentityError(
                    f"the override {override_id} was withdrawn on {found.withdrawn_at:%Y-%m-%d}"
                )
            standing = _standing(session, found.org_id, found.key)
            _check_not_needed(found, standing, read_factor_keys(self._seeds_dir))
            found.withdrawn_at, found.withdrawal_reason = datetime.now(UTC), reason

    def rows(self, org_id: str | None = None) -> list[dict[str, Any]]:
        """Overrides of one organisation or of all, also withdrawn ones, oldest first."""
        columns = FactorOverrideRow.__table__.columns
        query = select(*columns).order_by(columns.recorded_at, columns.override_id)
        if org_id is not None:
            query = query.where(columns.org_id == org_id)
        with self._changes.read() as session:
            return [dict(row) for row in session.execute(query).mappings()]


def _row(new: NewOverride, unit: str) -> FactorOverrideRow:
    low, mid, high = new.values
    return FactorOverrideRow(
        override_id=f"o_{secrets.token_hex(6)}",
        org_id=new.org_id,
        factor_type=new.factor_type,
        key=new.key,
        value_low=low,
        value_mid=mid,
        value_high=high,
        unit=unit,
        valid_from=new.valid_from,
        valid_to=new.valid_to,
        reason=new.reason,
        evidence=new.evidence,
        dq_score=new.dq_score,
        recorded_at=datetime.now(UTC),
    )


def _standing(session: Session, org_id: str, key: str) -> list[FactorOverrideRow]:
    query = select(FactorOverrideRow).where(
        FactorOverrideRow.org_id == org_id,
        FactorOverrideRow.key == key,
        FactorOverrideRow.withdrawn_at.is_(None),
    )
    return list(session.scalars(query.order_by(FactorOverrideRow.valid_from)))


def _is_unit(factor_type: str) -> bool:
    return factor_type.startswith("unit_")


def _check_type(new: NewOverride, keys: FactorKeys) -> None:
    overridable = new.factor_type in OVERRIDABLE or _is_unit(new.factor_type)
    if not overridable or new.factor_type not in keys.accepted_units:
        raise IdentityError(
            f"{new.factor_type} is not a type that can be overridden; those are"
            f" {', '.join(OVERRIDABLE)}",
            "factor_type",
        )


def _check_key(new: NewOverride, keys: FactorKeys, standing: Iterable[FactorOverrideRow]) -> None:
    if keys.knows(new.factor_type, new.key):
        return
    if new.factor_type in MODEL_TERMS:
        own = [
            (row.valid_from, row.valid_to) for row in standing if row.factor_type == "model_call"
        ]
        if not _covered((new.valid_from, new.valid_to), own):
            raise IdentityError(
                f"{new.key} is not in the factor files: override its model_call first, for all"
                f" days from {_told((new.valid_from, new.valid_to))}",
                "key",
            )
    elif new.factor_type in PLACED:
        if new.key not in keys.regions | keys.providers:
            raise IdentityError(
                f"{new.key} is neither cloud/region of cloud_regions.csv nor a provider of"
                " provider_defaults.csv",
                "key",
            )
    elif new.factor_type == "model_call" or _is_unit(new.factor_type):
        if not _MODEL_NAME.match(new.key):
            raise IdentityError(
                f"{new.key} is neither in the factor files nor the name of a model: lower case,"
                " without the path before it and without spaces",
                "key",
            )
    else:
        raise IdentityError(f"the factor files have no {new.name}", "key")


def _check_unit(new: NewOverride, keys: FactorKeys) -> str:
    unit = keys.unit(new.factor_type, new.key)
    if unit is None:
        raise IdentityError(f"no one unit is accepted for {new.name}", "unit")
    if new.unit not in (None, unit):
        raise IdentityError(f"{new.name} is given in {unit}, not in {new.unit}", "unit")
    return unit


def _check_figures(new: NewOverride) -> None:
    low, mid, high = new.values
    if not (all(map(math.isfinite, new.values)) and 0 <= low <= mid <= high):
        raise IdentityError(
            f"low {low:g}, central {mid:g} and high {high:g} must be finite, at least 0 and in"
            " this order",
            "value_mid",
        )
    if new.factor_type == "pue" and low < 1:
        raise IdentityError(f"a PUE is at least 1, not {low:g}", "value_mid")
    if not 1 <= new.dq_score <= 5:
        raise IdentityError(
            f"quality is a whole number from 1 to 5, not {new.dq_score}", "dq_score"
        )


def _check_days(new: NewOverride) -> None:
    if new.valid_to is not None and new.valid_to <= new.valid_from:
        raise IdentityError(
            f"the first day it no longer applies to, {new.valid_to}, must lie after the first day"
            f" it applies to, {new.valid_from}",
            "valid_to",
        )


def _check_text(missing: str, text: str | None) -> None:
    if text is None or not text.strip():
        raise IdentityError(missing)
    if len(text) > TEXT_LENGTH:
        raise IdentityError(f"a text holds at most {TEXT_LENGTH} characters, not {len(text)}")


def _check_texts(new: NewOverride) -> None:
    _check_text("an override needs a reason", new.reason)
    if new.evidence is not None:
        _check_text("evidence is a document or an address, not nothing", new.evidence)


def _check_overlap(new: NewOverride, standing: Iterable[FactorOverrideRow]) -> None:
    for row in standing:
        if row.factor_type == new.factor_type and _overlap(
            (row.valid_from, row.valid_to), (new.valid_from, new.valid_to)
        ):
            raise IdentityError(
                f"the override {row.override_id} holds for {new.name} from"
                f" {_told((row.valid_from, row.valid_to))}: withdraw it, or choose other days",
                "valid_from",
            )


def _check_not_needed(
    found: FactorOverrideRow, standing: Iterable[FactorOverrideRow], keys: FactorKeys
) -> None:
    """An own model's terms need its energy per call, which says that the model exists."""
    rows = [row for row in standing if row.override_id != found.override_id]
    calls = [(row.valid_from, row.valid_to) for row in rows if row.factor_type == "model_call"]
    for row in rows:
        is_own = row.factor_type in MODEL_TERMS and not keys.knows(row.factor_type, row.key)
        if found.factor_type == "model_call" and is_own:
            span = row.valid_from, row.valid_to
            if not _covered(span, calls):
                raise IdentityError(
                    f"the override {row.override_id} ({row.factor_type} of {row.key}) needs this"
                    " one: withdraw that first"
                )


def _end(span: Span) -> date:
    return span[1] or date.max


def _told(span: Span) -> str:
    return f"{span[0]} on" if span[1] is None else f"{span[0]} until before {span[1]}"


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < _end(other) and other[0] < _end(one)


def _covered(span: Span, by: Iterable[Span]) -> bool:
    """Whether every day of a span lies in one of the others, which do not overlap."""
    reached = span[0]
    for each in sorted(by, key=lambda other: other[0]):
        if each[0] <= reached < _end(each):
            reached = _end(each)
    return reached >= _end(span)
