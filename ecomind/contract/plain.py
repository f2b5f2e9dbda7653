"""Events that come exactly as the contract wants them: the fast way, with the same outcome.

Belongs here: reading, judging and writing such events without a mapping in between. Does not
belong here: anything else about them; whatever is not plain takes the careful way (``codec``).

Plain is an event that has no aliases, unknown fields, content, ``org_id`` or nulls, and that fits
every limit. Most of what senders send is, and one such event of a batch costs about a third.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

import msgspec

from ecomind.contract.codec import Pseudonymiser, annotation_of, microseconds, python_pattern
from ecomind.contract.event import CLIENT_FIELDS
from ecomind.contract.fields import Field

_MICROSECONDS_A_SECOND = 1e6
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


PlainEvent = msgspec.defstruct(
    "PlainEvent",
    sorted(map(_member, CLIENT_FIELDS), key=len),
    gc=False,
    forbid_unknown_fields=True,
    omit_defaults=True,
)
"""An event read the fast way; absent optional fields are unset, defaults are filled in."""

_one = msgspec.json.Decoder(PlainEvent)
_many = msgspec.json.Decoder(list[PlainEvent])  # type: ignore[valid-type]
_encode_lines = msgspec.json.Encoder().encode_lines
_encode_tags = msgspec.json.Encoder(order="sorted").encode

_subsets = tuple((field.name, field.subset_of) for field in CLIENT_FIELDS if field.subset_of)
_RARE = ("conversation_id", "sent_at", "tags", *(part for part, _ in _subsets))
_rare = attrgetter(*_RARE)
_NONE_RARE = (msgspec.UNSET,) * len(_RARE)
_PATTERNS = {
    f.name: re.compile(python_pattern(f.pattern) or "") for f in CLIENT_FIELDS if f.pattern
}
_known_names: dict[str, set[str]] = {"provider": set(), "source": set()}
"""Names that fit their pattern; few are ever sent."""
_providers, _sources = _known_names["provider"], _known_names["source"]
_KNOWN_MAX = 10_000
_DEFAULTS = {f.name: f.default for f in CLIENT_FIELDS if f.default is not None}


def plain_events(body: bytes) -> Sequence[Any] | None:
    """The events of a JSON object or array, or None unless all of them are plain."""
    first = body[:1]
    try:
        if first == b"{":
            return (_one.decode(body),)
        if first == b"[":
            return _many.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None


def plain_lines(body: bytes) -> Sequence[Any] | None:
    """The events of NDJSON, or None unless all of them are plain."""
    try:
        return _one.decode_lines(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def as_item(event: Any) -> dict[str, Any]:
    """A plain event as the careful way takes it."""
    values = ((name, getattr(event, name)) for name in PlainEvent.__struct_fields__)
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


def _is_named(event: Any) -> bool:
    """Whether event_id, provider and source look as they must, or may look so."""
    event_id, provider, source = event.event_id, event.provider, event.source
    # A little stricter than the pattern: the careful way has the last word.
    return (
        event_id.isascii()
        and event_id.isprintable()
        and " " not in event_id
        and (provider in _providers or _fits("provider", provider))
        and (source in _sources or _fits("source", source))
    )


def _are_parts_within(event: Any) -> bool:
    unset = msgspec.UNSET
    for part_name, total_name in _subsets:
        part = getattr(event, part_name)
        if part is not unset:
            total = getattr(event, total_name)
            if total is not unset and part > total:
                return False
    if event.input_tokens is unset:
        return True
    parts = [getattr(event, name) for name in _CACHE_PARTS]
    return bool(sum(part for part in parts if part is not unset) <= event.input_tokens)


def _finish_rare(event: Any, rules: PlainRules) -> None:
    unset = msgspec.UNSET
    if event.conversation_id is not unset:
        if not rules.keep_conversation_ids:
            event.conversation_id = unset
        elif rules.pseudonymise is not None:
            event.conversation_id = rules.pseudonymise(event.conversation_id)
    if event.sent_at is not unset:
        event.sent_at = microseconds(event.sent_at)
    if event.tags is not unset:
        event.tags = _encode_tags(event.tags).decode()


class PlainRules(msgspec.Struct, frozen=True):
    """What of the rules plain events need; times are microseconds since the epoch."""

    earliest_us: int
    latest_us: int
    pseudonymise: Pseudonymiser | None
    keep_raw_user_ids: bool
    keep_conversation_ids: bool


def make_landed(event: Any, rules: PlainRules) -> bool:
    """Turn the fields into landed values; False when the event needs the careful way.

    An event may be asked about once.
    """
    unset = msgspec.UNSET
    # Exact to the microsecond up to the year 2100; what lies further ahead is refused anyway.
    occurred_us = round(event.occurred_at.timestamp() * _MICROSECONDS_A_SECOND)
    if not rules.earliest_us <= occurred_us <= rules.latest_us or not _is_named(event):
        return False
    if event.request_model is unset and event.response_model is unset:
        return False
    if _rare(event) != _NONE_RARE:
        if not _are_parts_within(event):
            return False
        _finish_rare(event, rules)
    user_id = event.user_id
    if user_id is not unset and rules.pseudonymise is not None:
        stays_raw = rules.keep_raw_user_ids and "@" not in user_id
        event.user_id = user_id if stays_raw else rules.pseudonymise(user_id)
    event.occurred_at = occurred_us
    return True


def landed_rows(events: Sequence[Any]) -> bytes:
    """Landed events as lines of JSON, without the fields that hold the contract's default."""
    return _encode_lines(events)[:-1]
