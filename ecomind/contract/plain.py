"""Events that come exactly as the contract wants them: the fast way, with the same outcome.

Belongs here: reading and judging such events without a mapping in between. Does not belong here:
what they are read into (``plain_forms``) or how they are written (``plain_rows``); whatever is not
plain takes the careful way (``codec``).

Plain is an event that has no aliases, unknown fields, content, ``org_id`` or nulls, and that fits
every limit. Most of what senders send is, and one such event of a batch costs a fraction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ecomind.contract.codec import Pseudonymiser, python_pattern
from ecomind.contract.event import CLIENT_FIELDS
from ecomind.contract.plain_forms import DEFAULTS, FORMS, SUBSETS, UNREADABLE, form_of, forms_for

_CACHE_PARTS = ("cache_read_input_tokens", "cache_write_input_tokens")
_encode_tags = msgspec.json.Encoder(order="sorted").encode
_PATTERNS = {
    f.name: re.compile(python_pattern(f.pattern) or "") for f in CLIENT_FIELDS if f.pattern
}
_known_names: dict[str, set[str]] = {"provider": set(), "source": set()}
"""Names that fit their pattern; few are ever sent."""
_providers, _sources = _known_names["provider"], _known_names["source"]
_KNOWN_MAX = 10_000
_read_one = [form.read_one for form in FORMS]


def _decoded(readers: Iterable[Callable[[bytes], Any]], body: bytes) -> Any:
    """What the first that can read the body makes of it, or None."""
    for read in readers:
        try:
            return read(body)
        except UNREADABLE:
            continue
    return None


def plain_events(body: bytes) -> Sequence[Any] | None:
    """The events of a JSON object or array, or None unless all of them are plain."""
    if body[:1] == b"{":
        event = _decoded(_read_one, body)
        return None if event is None else (event,)
    if body[:1] == b"[":
        forms = forms_for(body, slice(1, body.find(b"}") + 1))
        return _decoded((form.read_many for form in forms), body)  # type: ignore[no-any-return]
    return None


def plain_lines(body: bytes) -> Sequence[Any] | None:
    """The events of NDJSON, or None unless all of them are plain."""
    forms = forms_for(body, slice(body.find(b"\n")))
    return _decoded((form.read_lines for form in forms), body)  # type: ignore[no-any-return]


def as_item(event: Any) -> dict[str, Any]:
    """A plain event as the careful way takes it."""
    values = ((name, getattr(event, name)) for name in type(event).__struct_fields__)
    return {
        name: value
        for name, value in values
        if value is not msgspec.UNSET and DEFAULTS.get(name) != value
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
    for part_name, total_name in SUBSETS:
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
    form = form_of(events[0])
    rares, nothing = list(map(form.rare, events)), form.no_rare
    with_rare = []
    if rares.count(nothing) < len(rares):
        with_rare = [event for event, held in zip(events, rares, strict=True) if held != nothing]
        if not all(map(_are_parts_within, with_rare)):
            return False
    _pseudonymise(events, rules)
    for event in with_rare:
        _finish_rare(event, rules)
    return True
