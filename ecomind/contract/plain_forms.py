"""Structs that plain events are read into: room for the usual fields, for all, or for some.

Belongs here: which fields a struct has room for, and reading JSON into it. Does not belong here:
judging what was read (``plain``) or writing it (``plain_rows``).

A struct with room for exactly what a sender tells is read and written fastest. Most senders tell
the same of each of their events, so the first event of a large body says what to have room for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

import msgspec

from ecomind.contract.codec import annotation_of
from ecomind.contract.event import CLIENT_FIELDS
from ecomind.contract.fields import Field

_USUAL = frozenset({
    "source", "schema_version", "project_id", "environment", "service", "team_id", "user_id",
    "request_model", "response_model", "operation", "status", "stream", "input_tokens",
    "output_tokens", "cache_read_input_tokens", "reasoning_output_tokens", "usage_source",
    "duration_ms", "ttft_ms", "region", "region_source",
})  # fmt: skip
"""Fields beside the required ones that most events come with."""

LOOKED_AT = ("event_id", "provider", "source")
"""Their patterns are looked at by ``plain``: for msgspec a pattern costs more than all else."""

SUBSETS = tuple((field.name, field.subset_of) for field in CLIENT_FIELDS if field.subset_of)
"""Counts that are parts of another one."""

DEFAULTS = {field.name: field.default for field in CLIENT_FIELDS if field.default is not None}
_RARE = ("conversation_id", "tags", *(part for part, _ in SUBSETS))
"""Fields that take a second look."""

_TIMES = tuple(field.name for field in CLIENT_FIELDS if field.kind == "timestamp")
_FORMS_MAX = 256
_LARGE_BYTES = 8_192
"""Bodies from this size on are worth a look at their first event."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON raises."""

_as_object = msgspec.json.Decoder(dict[str, Any]).decode


def default_of(name: str) -> Any:
    """What a field holds that is not told."""
    return DEFAULTS.get(name, msgspec.UNSET)


def _member(field: Field) -> tuple[Any, ...]:
    if field.name in LOOKED_AT:
        field = replace(field, pattern=None)
    if field.required:
        return (field.name, annotation_of(field))
    if field.default is not None:
        return (field.name, annotation_of(field), field.default)
    return (field.name, annotation_of(field) | msgspec.UnsetType, msgspec.UNSET)


_required = {field.name: _member(field) for field in CLIENT_FIELDS if field.required}
_optional = {field.name: _member(field) for field in CLIENT_FIELDS if not field.required}
_OPTIONS: dict[str, Any] = {"gc": False, "forbid_unknown_fields": True, "omit_defaults": True}

PlainEvent: Any = msgspec.defstruct(
    "PlainEvent",
    _required.values(),
    namespace={name: default_of(name) for name in _optional},
    **_OPTIONS,
)
"""What all plain events are. Optional fields there is no room for hold their default, too."""


class Form:
    """A struct, and what is known of it beforehand.

    ``rare`` reads the fields that take a second look, ``no_rare`` is what it reads when none of
    them is told; ``nothing`` is what all fields hold that are not told; ``times`` are fields.
    """

    def __init__(self, names: frozenset[str]) -> None:
        """Make a struct with room for the optional fields of ``names``."""
        members = [member for name, member in _optional.items() if name in names]
        self.struct: Any = msgspec.defstruct("Event", members, bases=(PlainEvent,), **_OPTIONS)
        one = msgspec.json.Decoder(self.struct)
        self.read_one: Callable[[bytes], Any] = one.decode
        self.read_lines: Callable[[bytes], Sequence[Any]] = one.decode_lines
        self.read_many: Callable[[bytes], Sequence[Any]] = msgspec.json.Decoder(
            list[self.struct]  # type: ignore[name-defined]
        ).decode
        # Of at least two, so that a tuple is read.
        rare = sorted(_RARE, key=lambda name: name not in names)
        told = max(2, sum(name in names for name in _RARE))
        self.rare = attrgetter(*rare[:told])
        self.no_rare = (msgspec.UNSET,) * told
        self.nothing = tuple(default_of(name) for name in self.struct.__struct_fields__)
        self.times = [name for name in self.struct.__struct_fields__ if name in _TIMES]


FORMS = (Form(_USUAL), Form(frozenset(_optional)))
"""Room for the usual fields, which is faster, and for all."""

_by_names: dict[frozenset[str], Form] = {}
_by_struct = {form.struct: form for form in FORMS}


def form_of(event: Any) -> Form:
    """The form of a plain event."""
    return _by_struct[type(event)]


def forms_for(body: bytes, first: slice) -> Sequence[Form]:
    """Forms to try on a body, whose first event may be at ``first``."""
    if len(body) < _LARGE_BYTES:
        return FORMS
    try:
        names = frozenset(_as_object(body[first]))
    except UNREADABLE:
        return FORMS
    form = _by_names.get(names)
    if form is None:
        is_event = names.issuperset(_required) and names <= _required.keys() | _optional.keys()
        if not is_event or len(_by_names) >= _FORMS_MAX:
            return FORMS
        form = Form(names)
        _by_struct[form.struct] = form  # First: other threads read, too.
        _by_names[names] = form
    return (form, *FORMS)
