"""Events that come exactly as the contract wants them: the fast way, with the same outcome.

Belongs here: reading, judging and writing such events without a mapping in between. Does not
belong here: anything else about them; whatever is not plain takes the careful way (``codec``).

Plain is an event that has no aliases, unknown fields, content, ``org_id`` or nulls, and that fits
every limit. Most of what senders send is, and one such event of a batch costs about a third.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from ecomind.contract.codec import EPOCH, Rules, annotation_of
from ecomind.contract.event import CLIENT_FIELDS
from ecomind.contract.fields import Field

_SECONDS_A_DAY, _MICROSECONDS_A_SECOND = 86_400, 1_000_000
_CACHE_PARTS = ("cache_read_input_tokens", "cache_write_input_tokens")


_LOOKED_AT = ("event_id", "provider")
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
)
"""An event read the fast way; absent optional fields are unset, defaults are filled in."""

_one = msgspec.json.Decoder(PlainEvent)
_many = msgspec.json.Decoder(list[PlainEvent])  # type: ignore[valid-type]
_encode = msgspec.json.Encoder().encode
_encode_tags = msgspec.json.Encoder(order="sorted").encode

_subsets = tuple((field.name, field.subset_of) for field in CLIENT_FIELDS if field.subset_of)
_SPECIAL = ("user_id", "conversation_id", "sent_at", "tags", *(part for part, _ in _subsets))
_special = attrgetter(*_SPECIAL)
_NONE_SPECIAL = (msgspec.UNSET,) * len(_SPECIAL)
_ONLY_A_USER = _NONE_SPECIAL[1:]
_providers: set[str] = set()
_is_provider = re.compile(next(f.pattern or "" for f in CLIENT_FIELDS if f.name == "provider"))
_PROVIDERS_MAX = 10_000
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


def _microseconds(moment: Any) -> int:
    since = moment - EPOCH
    seconds = since.days * _SECONDS_A_DAY + since.seconds
    return int(seconds * _MICROSECONDS_A_SECOND + since.microseconds)


def _is_named(event: Any) -> bool:
    """Whether event_id and provider look as they must, or may look so."""
    event_id, provider = event.event_id, event.provider
    # A little stricter than the pattern: the careful way has the last word.
    if not (event_id.isascii() and event_id.isprintable() and " " not in event_id):
        return False
    if provider in _providers:
        return True
    if not _is_provider.search(provider):
        return False
    if len(_providers) < _PROVIDERS_MAX:
        _providers.add(provider)
    return True


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


def _finish_special(event: Any, rules: Rules) -> None:
    unset = msgspec.UNSET
    if event.conversation_id is not unset:
        if not rules.keep_conversation_ids:
            event.conversation_id = unset
        elif rules.pseudonymise is not None:
            event.conversation_id = rules.pseudonymise(event.conversation_id)
    if event.sent_at is not unset:
        event.sent_at = _microseconds(event.sent_at)
    if event.tags is not unset:
        event.tags = _encode_tags(event.tags).decode()


@dataclass(frozen=True, slots=True)
class PlainRules:
    """The rules of one request with its limits of time worked out."""

    rules: Rules
    earliest: datetime
    latest: datetime

    @classmethod
    def of(cls, rules: Rules) -> PlainRules:
        """Work the limits out."""
        earliest = EPOCH if rules.max_age is None else rules.received_at - rules.max_age
        return cls(rules, earliest, rules.received_at + rules.max_future)


def landed_json(event: Any, plain: PlainRules) -> bytes | None:
    """The client's fields of a landed row as JSON, or None when the event needs the careful way.

    An event may be asked about once: its fields become landed values.
    """
    unset = msgspec.UNSET
    occurred_at = event.occurred_at
    if not plain.earliest <= occurred_at <= plain.latest or not _is_named(event):
        return None
    if event.request_model is unset and event.response_model is unset:
        return None
    rules, special = plain.rules, _special(event)
    if special != _NONE_SPECIAL:
        if special[1:] != _ONLY_A_USER:
            if not _are_parts_within(event):
                return None
            _finish_special(event, rules)
        user_id = special[0]
        stays_raw = user_id is unset or (rules.keep_raw_user_ids and "@" not in user_id)
        if rules.pseudonymise is not None and not stays_raw:
            event.user_id = rules.pseudonymise(user_id)
    event.occurred_at = _microseconds(occurred_at)
    return _encode(event)
