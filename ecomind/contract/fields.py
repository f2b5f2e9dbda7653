"""The vocabulary the contract is written in: a field, its kinds and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "integer", "number", "boolean", "timestamp", "date", "tags"]
Privacy = Literal["A", "B", "C"]

PRIVACY_CLASSES: dict[Privacy, str] = {
    "A": "business metadata",
    "B": "pseudonymous personal data",
    "C": "quasi-identifier",
}

_KIND_WORDS: dict[Kind, str] = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "timestamp": "an RFC 3339 time with an offset",
    "date": "an RFC 3339 date",
    "tags": "an object of strings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of a landed table; client fields are also members of the event.

    ``maximum`` bounds a number's value, ``max_length`` a string's characters (of tags: each
    value's). ``subset_of`` names the field whose value this one may not exceed. ``aliases``
    are other spellings accepted in native events. ``rejection_code`` is the code of the
    rejection a bad value earns. ``pseudonymised`` values are stored as keyed hashes.
    """

    name: str
    kind: Kind
    description: str
    privacy: Privacy = "A"
    required: bool = False
    unit: str | None = None
    default: str | int | float | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: int | float | None = None
    exclusive_minimum: int | float | None = None
    maximum: int | float | None = None
    max_items: int | None = None
    subset_of: str | None = None
    aliases: tuple[str, ...] = ()
    rejection_code: str = "invalid_value"
    pseudonymised: bool = False

    @property
    def nullable(self) -> bool:
        """Whether a landed row may hold no value here."""
        return not self.required and self.default is None

    def expectation(self) -> str:
        """What a value must be, in words and without quoting any value."""
        if self.choices:
            return "must be one of " + ", ".join(self.choices)
        return f"must be {_KIND_WORDS[self.kind]}{self._limits()}"

    def _limits(self) -> str:
        if self.kind == "tags":
            return f", at most {self.max_items} keys of {self.max_length} characters"
        if self.kind == "string":
            pattern = f" matching {self.pattern}" if self.pattern else ""
            return f" of {self.min_length or 0} to {self.max_length} characters{pattern}"
        if self.minimum is not None:
            return f" from {self.minimum:.15g} to {self.maximum:.15g}"
        if self.exclusive_minimum is not None:
            return f" above {self.exclusive_minimum:.15g}"
        return ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the landing zone: the name of its folder, its grain and its columns."""

    name: str
    grain: str
    description: str
    fields: tuple[Field, ...]
