"""Plain events on their way into the log: as JSON objects, or many as values under their names.

Belongs here: the text of landed events. Does not belong here: judging them (``plain``), or what
a record of the log is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import astuple

from ecomind.contract.codec import microseconds
from ecomind.contract.plain_forms import Form, form_of

_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
_encode_values = msgspec.json.Encoder(enc_hook=lambda _: None).encode_lines
"""Writes null for what is unset."""


def landed_objects(events: Sequence[Any]) -> bytes:
    """Landed events as lines of JSON objects, without fields that hold the contract's default."""
    times = form_of(events[0]).times
    for event in events:
        for name in times:
            moment = getattr(event, name)
            if moment is not msgspec.UNSET:
                setattr(event, name, microseconds(moment))
    return _encode_lines(events)[:-1]


_Values: TypeAlias = tuple[Any, ...]


class _Division(msgspec.Struct, frozen=True):
    """Which values of a form are written, and the others with what those are then."""

    names: tuple[str, ...]
    written: Callable[[_Values], _Values]
    others: Callable[[_Values], _Values]
    nothing: _Values


_AT_LEAST = 2
"""``itemgetter`` makes no tuple of fewer."""


@lru_cache(maxsize=1024)
def _division(form: Form, told: tuple[bool, ...]) -> _Division | None:
    """None: all is written."""
    names, places = form.struct.__struct_fields__, range(len(told))
    others = [place for place in places if not told[place]]
    if len(others) < _AT_LEAST:
        return None
    written, rest = itemgetter(*(place for place in places if told[place])), itemgetter(*others)
    return _Division(written(names), written, rest, rest(form.nothing))


def _told(rows: Sequence[_Values], nothing: _Values) -> tuple[bool, ...]:
    """Which places hold in any row what they do not hold by default."""
    places = range(len(nothing))
    return tuple(any(row[place] != nothing[place] for row in rows) for place in places)


def _written(form: Form, rows: Sequence[_Values]) -> tuple[tuple[str, ...], Sequence[_Values]]:
    """The names of the fields that any of the rows tells, and the rows with those alone."""
    # Events of a sender have the same fields, as a rule: look at one, then whether that holds.
    division = _division(form, _told(rows[:1], form.nothing))
    if division and list(map(division.others, rows)).count(division.nothing) < len(rows):
        division = _division(form, _told(rows, form.nothing))
    if division is None:
        return form.struct.__struct_fields__, rows
    return division.names, list(map(division.written, rows))


def landed_values(events: Sequence[Any]) -> list[bytes] | None:
    """Landed events as names of fields (a JSON array) and lines of their values.

    A line is the values as JSON with commas between them, null where nothing is set, so that
    anything that reads comma-separated values reads it. None when a value holds what JSON would
    escape. Fields that hold the contract's default in all events are left out.
    """
    names, rows = _written(form_of(events[0]), list(map(astuple, events)))
    lines = _encode_values(rows)
    if b"\\" in lines:
        return None
    return [_encode(names), lines[1:-2].replace(b"]\n[", b"\n")]
