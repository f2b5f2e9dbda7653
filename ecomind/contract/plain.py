"""Events that come exactly as the contract wants them: the fast way, with the same outcome.

Belongs here: reading, judging and writing such events without a mapping in between. Does not
belong here: anything else about them; whatever is not plain takes the careful way (``codec``).

Plain is an event that has no aliases, unknown fields, content, ``org_id`` or nulls, and that fits
every limit. Most of what senders send is, and one such event of a batch costs a fraction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import astuple

from ecomind.contract.codec import Pseudonymiser, annotation_of, microseconds, python_pattern
from ecomind.contract.event import CLIENT_FIELDS
from ecomind.contract.fields import Field

_CACHE_PARTS = ("cache_read_input_tokens", "cache_write_input_tokens")


_LOOKED_AT = ("event_id", "provider", "source")
"""Their patterns are looked at here: for msgspec a pattern costs more than all else of a field."""


def _member(field: Field) -> tuple[Any, ...]:
    if field.name in _LOOKED_AT:
        field = replace(field, pattern=None)
    if field.required:
        return (field.name, annotation_of(field))
    if field.default is not None:
        return (field.name, annotation_of(field), field.default)
    return (field.name, annotation_of(field) | msgspec.UnsetType, msgspec.UNSET)


_USUAL_NAMES = frozenset({
    "event_id", "source", "occurred_at", "schema_version", "project_id", "environment", "service",
    "team_id", "user_id", "provider", "request_model", "response_model", "operation", "status",
    "stream", "input_tokens", "output_tokens", "cache_read_input_tokens",
    "reasoning_output_tokens", "usage_source", "duration_ms", "ttft_ms", "region", "region_source",
})  # fmt: skip


def _struct(name: str, fields: Iterable[Field], *bases: Any) -> Any:
    return msgspec.defstruct(
        name,
        sorted(map(_member, fields), key=len),
        bases=bases,
        gc=False,
        forbid_unknown_fields=True,
        omit_defaults=True,
    )


PlainEvent = _struct("PlainEvent", (f for f in CLIENT_FIELDS if f.name in _USUAL_NAMES))
"""An event read the fast way; absent optional fields are unset, defaults are filled in.

It has room for the fields that most events come with; room for all of them is slower to fill and
to write.
"""

_WidePlainEvent = _struct(
    "_WidePlainEvent", (f for f in CLIENT_FIELDS if f.name not in _USUAL_NAMES), PlainEvent
)
"""A plain event with room for all fields."""


_STRUCTS = (PlainEvent, _WidePlainEvent)
_one = [msgspec.json.Decoder(struct) for struct in _STRUCTS]
_read_one = [decoder.decode for decoder in _one]
_read_lines = [decoder.decode_lines for decoder in _one]
_read_many = [msgspec.json.Decoder(list[struct]).decode for struct in _STRUCTS]  # type: ignore[valid-type]
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
_encode_values = msgspec.json.Encoder(enc_hook=lambda _: None).encode_lines
"""Writes null for what is unset."""
_encode_tags = msgspec.json.Encoder(order="sorted").encode

_subsets = tuple((field.name, field.subset_of) for field in CLIENT_FIELDS if field.subset_of)
_RARE = ("conversation_id", "tags", *(part for part, _ in _subsets))


def _rare_of(struct: Any) -> tuple[Any, tuple[Any, ...]]:
    """What reads the rare fields of a struct, and what it reads when none of them is set."""
    held = [name for name in _RARE if name in struct.__struct_fields__]
    return attrgetter(*held), (msgspec.UNSET,) * len(held)


_rare = {struct: _rare_of(struct) for struct in _STRUCTS}
_PATTERNS = {
    f.name: re.compile(python_pattern(f.pattern) or "") for f in CLIENT_FIELDS if f.pattern
}
_known_names: dict[str, set[str]] = {"provider": set(), "source": set()}
"""Names that fit their pattern; few are ever sent."""
_providers, _sources = _known_names["provider"], _known_names["source"]
_KNOWN_MAX = 10_000
_TIMES = tuple(field.name for field in CLIENT_FIELDS if field.kind == "timestamp")
_USUAL_TIMES = tuple(name for name in _TIMES if name in _USUAL_NAMES)
_DEFAULTS = {f.name: f.default for f in CLIENT_FIELDS if f.default is not None}
_nothing_in = {
    struct: tuple(_DEFAULTS.get(name, msgspec.UNSET) for name in struct.__struct_fields__)
    for struct in _STRUCTS
}


def _decoded(readers: Iterable[Callable[[bytes], Any]], body: bytes) -> Any:
    """What the first that can read the body makes of it, or None."""
    for read in readers:
        try:
            return read(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return None


def plain_events(body: bytes) -> Sequence[Any] | None:
    """The events of a JSON object or array, or None unless all of them are plain."""
    first = body[:1]
    if first == b"{":
        event = _decoded(_read_one, body)
        return None if event is None else (event,)
    if first == b"[":
        return _decoded(_read_many, body)  # type: ignore[no-any-return]
    return None


def plain_lines(body: bytes) -> Sequence[Any] | None:
    """The events of NDJSON, or None unless all of them are plain."""
    return _decoded(_read_lines, body)  # type: ignore[no-any-return]


def as_item(event: Any) -> dict[str, Any]:
    """A plain event as the careful way takes it."""
    values = ((name, getattr(event, name)) for name in type(event).__struct_fields__)
    return {
        name: value
        for name, value in values
        if value is not msgspec.UNSET and _DEFAULTS.get(name) != value
    }


def _fits(field: str, name: str) -> bool:
    """Whether a name not seen before is as its field must be."""
    if not _PATTERNS[field].search(name):
        return False
    if len(_known_names[field]) < _KNOWN_MAX:
        _known_names[field].add(name)
    return True


def _are_parts_within(event: Any) -> bool:
    unset = msgspec.UNSET
    for part_name, total_name in _subsets:
        part = getattr(event, part_name, unset)
        if part is not unset:
            total = getattr(event, total_name)
            if total is not unset and part > total:
                return False
    if event.input_tokens is unset:
        return True
    parts = [getattr(event, name, unset) for name in _CACHE_PARTS]
    return bool(sum(part for part in parts if part is not unset) <= event.input_tokens)


def _finish_rare(event: Any, rules: PlainRules) -> None:
    if not isinstance(event, _WidePlainEvent):
        return
    unset = msgspec.UNSET
    if event.conversation_id is not unset:
        if not rules.keep_conversation_ids:
            event.conversation_id = unset
        elif rules.pseudonymise is not None:
            event.conversation_id = rules.pseudonymise(event.conversation_id)
    if event.tags is not unset:
        event.tags = _encode_tags(event.tags).decode()


class PlainRules(msgspec.Struct, frozen=True):
    """What of the rules plain events need; ``earliest`` and ``latest`` they may have occurred."""

    earliest: datetime
    latest: datetime
    pseudonymise: Pseudonymiser | None
    keep_raw_user_ids: bool
    keep_conversation_ids: bool


def _pseudonymise(events: Sequence[Any], rules: PlainRules) -> None:
    pseudonymise, may_stay_raw = rules.pseudonymise, rules.keep_raw_user_ids
    if pseudonymise is None:
        return
    for event in events:
        user_id = event.user_id
        if user_id is not msgspec.UNSET and not (may_stay_raw and "@" not in user_id):
            event.user_id = pseudonymise(user_id)


def _are_plain(events: Sequence[Any], rules: PlainRules) -> bool:
    unset, earliest, latest = msgspec.UNSET, rules.earliest, rules.latest
    for event in events:
        event_id = event.event_id
        if (
            not earliest <= event.occurred_at <= latest
            # A little stricter than the pattern: the careful way has the last word.
            or not (event_id.isascii() and event_id.isprintable())
            or " " in event_id
            or not (event.provider in _providers or _fits("provider", event.provider))
            or not (event.source in _sources or _fits("source", event.source))
            or (event.request_model is unset and event.response_model is unset)
        ):
            return False
    return True


def make_landed(events: Sequence[Any], rules: PlainRules) -> bool:
    """Turn the fields of events that were read together into landed values.

    False, and nothing is changed, when any of them needs the careful way. There is at least one,
    and none may be landed twice.
    """
    if not _are_plain(events, rules):
        return False
    rare, nothing = _rare[type(events[0])]
    rares = list(map(rare, events))
    with_rare = []
    if rares.count(nothing) < len(rares):
        with_rare = [event for event, held in zip(events, rares, strict=True) if held != nothing]
        if not all(map(_are_parts_within, with_rare)):
            return False
    _pseudonymise(events, rules)
    for event in with_rare:
        _finish_rare(event, rules)
    return True


def landed_objects(events: Sequence[Any]) -> bytes:
    """Landed events as lines of JSON objects, without fields that hold the contract's default."""
    times = _TIMES if isinstance(events[0], _WidePlainEvent) else _USUAL_TIMES
    for event in events:
        for name in times:
            moment = getattr(event, name)
            if moment is not msgspec.UNSET:
                setattr(event, name, microseconds(moment))
    return _encode_lines(events)[:-1]


_Values: TypeAlias = tuple[Any, ...]


class _Division(msgspec.Struct, frozen=True):
    """Which values of a struct are written, and the others with what those are then."""

    names: tuple[str, ...]
    written: Callable[[_Values], _Values]
    others: Callable[[_Values], _Values]
    nothing: _Values


_AT_LEAST = 2
"""``itemgetter`` makes no tuple of fewer."""


@lru_cache(maxsize=1024)
def _division(struct: Any, told: tuple[bool, ...]) -> _Division:
    names, places = struct.__struct_fields__, range(len(told))
    others = [place for place in places if not told[place]]
    if len(others) < _AT_LEAST:
        return _Division(names, tuple, lambda _: (), ())
    written, rest = itemgetter(*(place for place in places if told[place])), itemgetter(*others)
    return _Division(written(names), written, rest, rest(_nothing_in[struct]))


def _told(rows: Sequence[_Values], nothing: _Values) -> tuple[bool, ...]:
    """Which places hold in any row what they do not hold by default."""
    places = range(len(nothing))
    return tuple(any(row[place] != nothing[place] for row in rows) for place in places)


def landed_values(events: Sequence[Any]) -> list[bytes] | None:
    """Landed events as names of fields (a JSON array) and lines of their values.

    A line is the values as JSON with commas between them, null where nothing is set, so that
    anything that reads comma-separated values reads it. None when a value holds what JSON would
    escape. Fields that hold the contract's default in all events are left out.
    """
    struct: Any = type(events[0])
    rows = list(map(astuple, events))
    nothing = _nothing_in[struct]
    # Events of a sender have the same fields, as a rule: look at one, then whether that holds.
    division = _division(struct, _told(rows[:1], nothing))
    if list(map(division.others, rows)).count(division.nothing) < len(rows):
        division = _division(struct, _told(rows, nothing))
    lines = _encode_values(list(map(division.written, rows)))
    if b"\\" in lines:
        return None
    return [_encode(division.names), lines[1:-2].replace(b"]\n[", b"\n")]
