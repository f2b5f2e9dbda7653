"""How adapters take values out of other tools' documents: by name, one at a time, never a copy.

Belongs here: reading a member whatever stands in its place, and small conversions. Does not
belong here: any one format, or the contract's limits (``ecomind.contract.codec`` judges), but
for those that would cost a whole call when a mere detail of it is odd.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from ecomind.contract.codec import EPOCH, Problem
from ingest_api.adapters.base import UNREADABLE, MalformedBody, check_values, json_document

_EVENT_ID = re.compile(r"[\x21-\x7e]{1,128}")
_TAG_KEY = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_NOT_OF_A_TAG_KEY = re.compile(r"[^a-z0-9_.-]+")
_TAGS_MAX = 16
_TAG_VALUE_MAX = 128
_DAY_MS = 86_400_000.0
_COST_MAX = 1e9
_LINES_MAX = 50_000
NOT_AN_OBJECT = Problem("not_an_object", "", "an item is a JSON object")
MALFORMED_LINE = Problem("malformed_line", "", "the line is not JSON")

_decoder = msgspec.json.Decoder()


def member(value: object, *names: str) -> Any:
    """The value below ``names``, or None where a step is no object or has no such member."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def text(*candidates: object) -> str | None:
    """The first candidate that is a text with something in it; whole numbers are written out."""
    for candidate in candidates:
        if isinstance(candidate, str) and candidate.strip():
            return candidate
        if isinstance(candidate, int) and not isinstance(candidate, bool) and _is_long(candidate):
            return str(candidate)
    return None


def _is_long(number: int) -> bool:
    return -(2**63) <= number < 2**64


def amount(value: object, maximum: float = _COST_MAX) -> float | None:
    """A number from 0 to ``maximum``, or None: a detail without which a call still counts."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and 0 <= number <= maximum else None


def milliseconds(value: object) -> float | None:
    """A duration of at most a day, to the microsecond, or None."""
    number = amount(value, _DAY_MS)
    return None if number is None else round(number, 3)


def elapsed_ms(start: object, end: object) -> float | None:
    """Milliseconds between two moments, or None when either is missing or they are reversed."""
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return None
    return milliseconds((end - start) / timedelta(milliseconds=1))


def moment(seconds: object) -> datetime | None:
    """The moment a number of seconds after the epoch, or None."""
    number = amount(seconds, 2.5e11)
    return None if number is None else EPOCH + timedelta(seconds=number)


def moment_of_text(value: object) -> datetime | None:
    """The moment of an RFC 3339 text with an offset, or None."""
    if not isinstance(value, str):
        return None
    try:
        return msgspec.convert(value, datetime).astimezone(UTC) if value[10:] else None
    except (msgspec.ValidationError, ValueError, OverflowError):
        return None


def digest(value: object) -> str:
    """32 hex digits that are the same for the same JSON value, whatever the order of its keys."""
    return _hex(json.dumps(value, sort_keys=True, separators=(",", ":")))


def _hex(written: str) -> str:
    return hashlib.sha256(written.encode()).hexdigest()[:32]


def event_id(value: object) -> str | None:
    """An id as the contract allows it; one of other characters or length by its digest."""
    found = text(value)
    if found is None or _EVENT_ID.fullmatch(found):
        return found
    return f"h_{digest(found)}"


def urn(*parts: object) -> str:
    """A source: ``urn:`` and the parts, what a URI may not hold percent-encoded."""
    named = ":".join(quote(str(part), safe="-._~", errors="replace") for part in parts)
    return f"urn:{named}"[:256]


def tags(pairs: Iterable[tuple[object, object]]) -> dict[str, str] | None:
    """Business labels that fit the contract, keys in its spelling; others are left out."""
    found: dict[str, str] = {}
    for key, value in pairs:
        if len(found) == _TAGS_MAX:
            break
        if not isinstance(key, str) or not isinstance(value, str) or len(value) > _TAG_VALUE_MAX:
            continue
        name = _NOT_OF_A_TAG_KEY.sub("_", key.strip().lower())
        if _TAG_KEY.fullmatch(name):
            found.setdefault(name, value)
    return found or None


def present(**fields: Any) -> dict[str, Any]:
    """The fields that are known."""
    return {name: value for name, value in fields.items() if value is not None}


def one_or_more(value: object, *list_names: str) -> Sequence[object]:
    """The items of an array, of the array below the first name that holds one, or one object."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        for name in list_names:
            if isinstance(value.get(name), list):
                return value[name]  # type: ignore[no-any-return]
        return (value,)
    raise MalformedBody("the body is neither an object nor an array of objects")


def lines(body: bytes) -> Sequence[object]:
    """The JSON values of the lines; a line that is not JSON is its own problem.

    Raises ``MalformedBody`` when they are too many to be looked at one by one.
    """
    check_values(body)
    try:
        return _decoder.decode_lines(body)
    except UNREADABLE:
        if body.count(b"\n") > _LINES_MAX:
            raise MalformedBody(f"of more than {_LINES_MAX} lines some are not JSON") from None
        return [_line(line) for line in body.split(b"\n") if line.strip()]


def document_or_lines(body: bytes, *list_names: str) -> Sequence[object]:
    """The items of a JSON document, or of lines where the body is more than one document.

    For tools that say ``application/json`` of both.
    """
    try:
        value = json_document(body)
    except MalformedBody:
        found = lines(body)
        if sum(not isinstance(item, Problem) for item in found) == 0:
            raise
        return found
    return one_or_more(value, *list_names)


def _line(line: bytes) -> object:
    try:
        return _decoder.decode(line)
    except UNREADABLE:
        return MALFORMED_LINE
