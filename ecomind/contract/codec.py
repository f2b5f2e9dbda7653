"""From a parsed client item to a landed event, or to the reasons why not.

Belongs here: the allow-list projection, the limits of each field and the rules between
fields. The projection runs before anything is stored, so content never enters. Does not
belong here: reading bytes, formats other than our own, or storing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from ecomind.contract.event import CLIENT_FIELDS, CONTENT_KEYS
from ecomind.contract.fields import Field

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLAIN_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")

FIELDS_BY_NAME: Mapping[str, Field] = {f.name: f for f in CLIENT_FIELDS}
_ALIASES: Mapping[str, str] = {alias: f.name for f in CLIENT_FIELDS for alias in f.aliases}
_SUBSETS: tuple[tuple[str, str], ...] = tuple(
    (f.name, f.subset_of) for f in CLIENT_FIELDS if f.subset_of
)
_DEFAULTS: Mapping[str, Any] = {f.name: f.default for f in CLIENT_FIELDS if f.default is not None}
_TIMES: tuple[str, ...] = tuple(f.name for f in CLIENT_FIELDS if f.kind == "timestamp")
_CACHE_PARTS = ("cache_read_input_tokens", "cache_write_input_tokens")

Pseudonymiser = Callable[[str], str]
"""Turns an identifier into the organisation's keyed pseudonym of it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an item was refused: a stable code, a JSON pointer to a contract field, a sentence."""

    code: str
    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the sender should know about an accepted item."""

    code: str
    field: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What depends on the receiver: the organisation, the clock and the configured limits."""

    org_id: str
    received_at: datetime
    max_future: timedelta
    max_age: timedelta | None
    pseudonymise: Pseudonymiser | None
    keep_conversation_ids: bool = False
    keep_raw_user_ids: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """An item after judgement: ``event`` is set when accepted, ``problems`` when refused.

    ``event`` maps client field names to landed values: times are microseconds since the
    epoch, tags are JSON text, absent fields are absent.
    """

    event: dict[str, Any] | None
    event_id: str | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Warned, ...] = ()


def _annotation(field: Field) -> Any:
    limits: dict[str, Any] = {}
    if field.kind in {"string", "tags"}:
        limits = {"min_length": field.min_length, "max_length": field.max_length}
    if field.kind in {"integer", "number"}:
        limits = {"ge": field.minimum, "gt": field.exclusive_minimum, "le": field.maximum}
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    if field.choices:
        return Literal[field.choices]
    if field.kind == "tags":
        key = Annotated[str, msgspec.Meta(pattern=field.pattern)]
        value = Annotated[str, msgspec.Meta(**limits)]
        return Annotated[dict[key, value], msgspec.Meta(max_length=field.max_items)]
    if field.pattern:
        limits["pattern"] = field.pattern
    python: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool}
    if field.kind == "timestamp":
        return Annotated[datetime, msgspec.Meta(tz=True)]
    if field.kind == "date":
        return date
    return Annotated[python[field.kind], msgspec.Meta(**limits)] if limits else python[field.kind]


def _struct_member(field: Field) -> tuple[Any, ...]:
    annotation = _annotation(field)
    if field.required:
        return (field.name, annotation)
    return (field.name, annotation | None, None)


_Item = msgspec.defstruct(
    "Item", sorted(map(_struct_member, CLIENT_FIELDS), key=len), gc=False, frozen=True
)
_MEMBERS: Mapping[str, Any] = {f.name: _annotation(f) for f in CLIENT_FIELDS}


def _project(item: Mapping[str, Any]) -> tuple[dict[str, Any], list[Warned]]:
    """Keep contract fields under their own names; name, never quote, what is dropped."""
    kept: dict[str, Any] = {}
    warnings: list[Warned] = []
    for key, value in item.items():
        if key in FIELDS_BY_NAME:
            kept[key] = value
        elif key in CONTENT_KEYS:
            warnings.append(Warned("content_discarded", key))
        elif key not in _ALIASES and key != "org_id":
            warnings.append(Warned("unknown_field", key if _PLAIN_NAME.match(key) else "?"))
    for alias, name in _ALIASES.items():
        if alias in item:
            if name in kept:
                warnings.append(Warned("alias_ignored", alias))
            else:
                kept[name] = item[alias]
    return kept, warnings


def _field_problems(kept: Mapping[str, Any]) -> list[Problem]:
    """One problem for each bad field; called only when the whole item did not convert."""
    problems = []
    for name, field in FIELDS_BY_NAME.items():
        if kept.get(name) is None:
            if field.required:
                problems.append(Problem("missing_field", f"/{name}", f"{name} is required"))
            continue
        try:
            msgspec.convert(kept[name], _MEMBERS[name])
        except msgspec.ValidationError:
            detail = f"{name} {field.expectation()}"
            problems.append(Problem(field.rejection_code, f"/{name}", detail))
    return problems


def _cross_field_problems(item: Any, rules: Rules) -> list[Problem]:
    problems = []
    if item.request_model is None and item.response_model is None:
        detail = "one of request_model and response_model is required"
        problems.append(Problem("missing_field", "/request_model", detail))
    for name, total_name in _SUBSETS:
        part, total = getattr(item, name), getattr(item, total_name)
        if part is not None and part > (total or 0):
            detail = f"{name} is greater than {total_name}"
            problems.append(Problem("subset_exceeds_total", f"/{name}", detail))
    cached = sum(getattr(item, name) or 0 for name in _CACHE_PARTS)
    if not problems and cached > (item.input_tokens or 0):
        detail = "cache reads and writes together are greater than input_tokens"
        problems.append(Problem("subset_exceeds_total", f"/{_CACHE_PARTS[0]}", detail))
    if item.occurred_at > rules.received_at + rules.max_future:
        detail = "occurred_at is later than the server clock allows"
        problems.append(Problem("future_timestamp", "/occurred_at", detail))
    if rules.max_age is not None and item.occurred_at < rules.received_at - rules.max_age:
        detail = f"occurred_at is more than {rules.max_age.days} days ago; imports need the scope"
        problems.append(Problem("too_old", "/occurred_at", f"{detail} ingest:import"))
    return problems


def microseconds(moment: datetime) -> int:
    """Microseconds between the epoch and a time with an offset."""
    return (moment - EPOCH) // _MICROSECOND


def _landed(item: Any, kept: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    event: dict[str, Any] = dict(_DEFAULTS)
    for name in kept:
        value = getattr(item, name)
        if value is not None:
            event[name] = value
    for name in _TIMES:
        if name in event:
            event[name] = microseconds(event[name])
    if "tags" in event:
        event["tags"] = msgspec.json.encode(dict(sorted(event["tags"].items()))).decode()
    if not rules.keep_conversation_ids:
        event.pop("conversation_id", None)
    for name in ("user_id", "conversation_id"):
        if name in event and rules.pseudonymise is not None and not _stays_raw(name, event, rules):
            event[name] = rules.pseudonymise(event[name])
    return event


def _stays_raw(name: str, event: Mapping[str, Any], rules: Rules) -> bool:
    """An installation may keep user ids as sent, but never one that looks like an address."""
    return rules.keep_raw_user_ids and name == "user_id" and "@" not in event[name]


def judge(item: object, rules: Rules) -> Judged:
    """Project one parsed item to the contract and judge it.

    Never raises for bad input and never quotes a value of the item in its answer.
    """
    if not isinstance(item, Mapping):
        return Judged(None, None, (Problem("not_an_object", "", "an event is a JSON object"),))
    kept, warnings = _project(item)
    claimed = item.get("org_id")
    if claimed is not None and claimed != rules.org_id:
        detail = "org_id is not the organisation of the credential"
        return Judged(None, _plain_id(kept), (Problem("tenant_mismatch", "/org_id", detail),))
    try:
        converted: Any = msgspec.convert(kept, _Item)
    except msgspec.ValidationError:
        return Judged(None, _plain_id(kept), tuple(_field_problems(kept)), tuple(warnings))
    problems = _cross_field_problems(converted, rules)
    if problems:
        return Judged(None, converted.event_id, tuple(problems), tuple(warnings))
    return Judged(_landed(converted, kept, rules), converted.event_id, (), tuple(warnings))


def _plain_id(kept: Mapping[str, Any]) -> str | None:
    """The event_id of a refused item, if it is one."""
    try:
        return msgspec.convert(kept.get("event_id"), _MEMBERS["event_id"])  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        return None
