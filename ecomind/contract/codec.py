"""From a parsed client item to a landed event or bucket, or to the reasons why not.

Belongs here: the allow-list projection, the limits of each field and the rules between
fields. The projection runs before anything is stored, so content never enters. Does not
belong here: reading bytes, formats other than our own, or storing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from ecomind.contract.bucket import BUCKET_FIELDS
from ecomind.contract.event import CLIENT_FIELDS, CONTENT_KEYS
from ecomind.contract.fields import Field

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLAIN_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")

_CACHE_PARTS = ("cache_read_input_tokens", "cache_write_input_tokens")

Pseudonymiser = Callable[[str], str]
"""Turns an identifier into the organisation's keyed pseudonym of it."""


class Problem(msgspec.Struct, frozen=True):
    """Why an item was refused: a stable code, a JSON pointer to a contract field, a sentence."""

    code: str
    pointer: str
    detail: str


class Warned(msgspec.Struct, frozen=True):
    """Something the sender should know about an accepted item."""

    code: str
    field: str


class Rules(msgspec.Struct, frozen=True):
    """What depends on the receiver: the organisation, the clock and the configured limits."""

    org_id: str
    received_at: datetime
    max_future: timedelta
    max_age: timedelta | None
    pseudonymise: Pseudonymiser | None
    keep_conversation_ids: bool = False
    keep_raw_user_ids: bool = False


class Judged(msgspec.Struct, frozen=True):
    """An item after judgement: ``row`` is set when accepted, ``problems`` when refused.

    ``row`` maps field names to landed values: times are microseconds since the epoch, tags are
    JSON text, absent fields are absent. ``kept`` holds the fields of a refused item that are
    valid by themselves, as JSON values, ids of people as pseudonyms.
    """

    row: dict[str, Any] | None
    event_id: str | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Warned, ...] = ()
    kept: Mapping[str, Any] | None = None


def python_pattern(pattern: str | None) -> str | None:
    """A pattern of the contract for Python, where ``$`` also allows a newline at the end."""
    return None if pattern is None else re.sub(r"\$$", r"\\Z", pattern)


def annotation_of(field: Field) -> Any:
    """The type of a field's values with all its limits, for msgspec."""
    limits: dict[str, Any] = {}
    if field.kind in {"string", "tags"}:
        limits = {"min_length": field.min_length, "max_length": field.max_length}
    if field.kind in {"integer", "number"}:
        limits = {"ge": field.minimum, "gt": field.exclusive_minimum, "le": field.maximum}
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    if field.choices:
        return Literal[field.choices]
    if field.kind == "tags":
        key = Annotated[str, msgspec.Meta(pattern=python_pattern(field.pattern))]
        value = Annotated[str, msgspec.Meta(**limits)]
        return Annotated[dict[key, value], msgspec.Meta(max_length=field.max_items)]
    if field.pattern:
        limits["pattern"] = python_pattern(field.pattern)
    python: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool}
    if field.kind == "timestamp":
        return Annotated[datetime, msgspec.Meta(tz=True)]
    if field.kind == "date":
        return date
    return Annotated[python[field.kind], msgspec.Meta(**limits)] if limits else python[field.kind]


def _struct_member(field: Field) -> tuple[Any, ...]:
    annotation = annotation_of(field)
    if field.required:
        return (field.name, annotation)
    return (field.name, annotation | None, None)


class _Form:
    """What is derived from the fields of one kind of item."""

    def __init__(self, name: str, fields: tuple[Field, ...]) -> None:
        self.fields: Mapping[str, Field] = {f.name: f for f in fields}
        self.aliases: Mapping[str, str] = {alias: f.name for f in fields for alias in f.aliases}
        self.subsets = tuple((f.name, f.subset_of) for f in fields if f.subset_of)
        self.defaults = {f.name: f.default for f in fields if f.default is not None}
        self.times = tuple(f.name for f in fields if f.kind == "timestamp")
        self.personal = tuple(f.name for f in fields if f.pseudonymised)
        self.members: Mapping[str, Any] = {f.name: annotation_of(f) for f in fields}
        self.descriptive = frozenset(
            f.name
            for f in fields
            if f.kind in ("string", "tags", "boolean") and not f.required and f.default is None
        )
        """Fields without which an item still counts in full."""
        self.struct = msgspec.defstruct(
            name, sorted(map(_struct_member, fields), key=len), gc=False, frozen=True
        )


_EVENT = _Form("Event", CLIENT_FIELDS)
_BUCKET = _Form("Bucket", BUCKET_FIELDS)


def _project(form: _Form, item: Mapping[str, Any]) -> tuple[dict[str, Any], list[Warned]]:
    """Keep contract fields under their own names; name, never quote, what is dropped."""
    kept: dict[str, Any] = {}
    warnings: list[Warned] = []
    fields, aliases = form.fields, form.aliases
    for key, value in item.items():
        if key in fields:
            kept[key] = value
        elif key in CONTENT_KEYS:
            warnings.append(Warned("content_discarded", key))
        elif key not in aliases and key != "org_id":
            warnings.append(Warned("unknown_field", key if _PLAIN_NAME.match(key) else "?"))
    for alias, name in aliases.items():
        if alias in item:
            if name in kept:
                warnings.append(Warned("alias_ignored", alias))
            else:
                kept[name] = item[alias]
    return kept, warnings


def _field_problems(form: _Form, kept: Mapping[str, Any]) -> list[Problem]:
    """One problem for each bad field; called only when the whole item did not convert."""
    problems = []
    for name, field in form.fields.items():
        if kept.get(name) is None:
            if field.required:
                problems.append(Problem("missing_field", f"/{name}", f"{name} is required"))
            continue
        try:
            msgspec.convert(kept[name], form.members[name])
        except msgspec.ValidationError:
            detail = f"{name} {field.expectation()}"
            problems.append(Problem(field.rejection_code, f"/{name}", detail))
    return problems


def _converted(
    form: _Form, kept: dict[str, Any], warnings: list[Warned], is_foreign: bool
) -> tuple[Any, list[Problem]]:
    """The item as a struct, or None and its problems.

    Of a foreign format, descriptive fields that do not fit are dropped from ``kept``: the sender
    never chose our limits, and the call counts without them.
    """
    try:
        return msgspec.convert(kept, form.struct), []
    except msgspec.ValidationError:
        problems = _field_problems(form, kept)
    names = [problem.pointer[1:] for problem in problems]
    if not is_foreign or not form.descriptive.issuperset(names):
        return None, problems
    for name in names:
        del kept[name]
        warnings.append(Warned("value_discarded", name))
    return msgspec.convert(kept, form.struct), []


def _event_problems(item: Any, rules: Rules) -> list[Problem]:
    """What is wrong between the fields of an event."""
    problems = []
    if item.request_model is None and item.response_model is None:
        detail = "one of request_model and response_model is required"
        problems.append(Problem("missing_field", "/request_model", detail))
    for name, total_name in _EVENT.subsets:
        part, total = getattr(item, name), getattr(item, total_name)
        # Of a total nobody reported, a part says nothing.
        if part is not None and total is not None and part > total:
            detail = f"{name} is greater than {total_name}"
            problems.append(Problem("subset_exceeds_total", f"/{name}", detail))
    cached = sum(getattr(item, name) or 0 for name in _CACHE_PARTS)
    if not problems and item.input_tokens is not None and cached > item.input_tokens:
        detail = "cache reads and writes together are greater than input_tokens"
        problems.append(Problem("subset_exceeds_total", f"/{_CACHE_PARTS[0]}", detail))
    if item.occurred_at > rules.received_at + rules.max_future:
        detail = "occurred_at is later than the server clock allows"
        problems.append(Problem("future_timestamp", "/occurred_at", detail))
    if rules.max_age is not None and item.occurred_at < rules.received_at - rules.max_age:
        detail = f"occurred_at is more than {rules.max_age.days} days ago; imports need the scope"
        problems.append(Problem("too_old", "/occurred_at", f"{detail} ingest:import"))
    return problems


def _bucket_problems(item: Any, rules: Rules) -> list[Problem]:
    """What is wrong between the fields of a bucket."""
    problems = []
    if item.bucket_end <= item.bucket_start:
        detail = "bucket_end is not later than bucket_start"
        problems.append(Problem("invalid_value", "/bucket_end", detail))
    if item.bucket_start > rules.received_at + rules.max_future:
        detail = "bucket_start is later than the server clock allows"
        problems.append(Problem("future_timestamp", "/bucket_start", detail))
    if item.temporality == "cumulative" and item.series_id is None:
        detail = "series_id is required of cumulative counts"
        problems.append(Problem("missing_field", "/series_id", detail))
    return problems


def microseconds(moment: datetime) -> int:
    """Microseconds between the epoch and a time with an offset."""
    return (moment - EPOCH) // _MICROSECOND


def _pseudonymised(form: _Form, row: dict[str, Any], rules: Rules) -> None:
    if not rules.keep_conversation_ids:
        row.pop("conversation_id", None)
    for name in form.personal:
        if name in row and rules.pseudonymise is not None and not _stays_raw(name, row, rules):
            row[name] = rules.pseudonymise(row[name])


def _stays_raw(name: str, row: Mapping[str, Any], rules: Rules) -> bool:
    """An installation may keep user ids as sent, but never one that looks like an address."""
    return rules.keep_raw_user_ids and name == "user_id" and "@" not in row[name]


def _landed(form: _Form, item: Any, kept: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    row: dict[str, Any] = dict(form.defaults)
    for name in kept:
        value = getattr(item, name)
        if value is not None:
            row[name] = value
    for name in form.times:
        if name in row:
            row[name] = microseconds(row[name])
    if "tags" in row:
        row["tags"] = msgspec.json.encode(dict(sorted(row["tags"].items()))).decode()
    _pseudonymised(form, row, rules)
    return row


def _valid_parts(form: _Form, kept: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """The fields of a refused item that are valid by themselves."""
    parts: dict[str, Any] = {}
    for name, value in kept.items():
        try:
            converted = msgspec.convert(value, form.members[name])
        except msgspec.ValidationError:
            continue
        parts[name] = converted
    _pseudonymised(form, parts, rules)
    return parts


def judge(item: object, rules: Rules, *, is_foreign: bool = False) -> Judged:
    """Project one parsed item to the contract of an event and judge it.

    ``is_foreign``: it was read from another format than ours, whose limits its sender never
    chose. Never raises for bad input and never quotes a value of the item in its answer.
    """
    if not isinstance(item, Mapping):
        return Judged(None, None, (Problem("not_an_object", "", "an event is a JSON object"),))
    kept, warnings = _project(_EVENT, item)
    claimed = item.get("org_id")
    if claimed is not None and claimed != rules.org_id:
        # Nothing is kept: it is not this organisation's to read.
        detail = "org_id is not the organisation of the credential"
        return Judged(None, _plain_id(kept), (Problem("tenant_mismatch", "/org_id", detail),))
    converted, problems = _converted(_EVENT, kept, warnings, is_foreign)
    if converted is not None:
        problems = _event_problems(converted, rules)
    if problems:
        parts = _valid_parts(_EVENT, kept, rules)
        return Judged(None, parts.get("event_id"), tuple(problems), tuple(warnings), parts)
    row = _landed(_EVENT, converted, kept, rules)
    return Judged(row, converted.event_id, (), tuple(warnings))


def judge_bucket(item: Mapping[str, Any], rules: Rules) -> Judged:
    """Project one usage bucket to the contract and judge it, as ``judge`` does an event."""
    kept, warnings = _project(_BUCKET, item)
    converted, problems = _converted(_BUCKET, kept, warnings, is_foreign=True)
    if converted is not None:
        problems = _bucket_problems(converted, rules)
    if problems:
        return Judged(None, None, tuple(problems), tuple(warnings))
    return Judged(_landed(_BUCKET, converted, kept, rules), None, (), tuple(warnings))


def _plain_id(kept: Mapping[str, Any]) -> str | None:
    """The event_id of a refused item, if it is one."""
    try:
        return msgspec.convert(kept.get("event_id"), _EVENT.members["event_id"])  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        return None
