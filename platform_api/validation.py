"""What the framework found wrong with a request, in our words.

Belongs here: turning its findings into a refusal that names each field. Does not belong here: the
rules, which stand at the routes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from platform_api.problems import Refused

_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a member of this document",
    "string_type": "is a text",
    "int_parsing": "is a whole number",
    "int_type": "is a whole number",
    "float_parsing": "is a number",
    "float_type": "is a number",
    "bool_type": "is true or false",
    "finite_number": "is a finite number",
}


def _pointer(path: Sequence[Any]) -> str:
    """JSON pointer of a place in the body (RFC 6901), as a fragment."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "#" + "".join(f"/{part}" for part in escaped)


def _words(error: Mapping[str, Any]) -> str:
    """What is wrong, without the value that was sent."""
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in ("enum", "literal_error"):
        return f"is one of {context['expected']}".replace("'", "").replace(" or ", ", ")
    if kind.startswith(("date", "time")):
        return "is a date as 2026-11-20" if kind.startswith("date_") else "is a time with an offset"
    if kind == "value_error":
        return str(context.get("error", "is not valid"))
    message = str(error["msg"])
    for subject in ("Input should be", "String should", "Value should", "List should"):
        message = message.replace(f"{subject} ", "is " if subject.endswith("be") else "should ")
    return message


def refused_of(errors: Sequence[Any]) -> Refused:
    """The refusal for findings of one request."""
    places = {str(error["loc"][0]) for error in errors}
    if any(error["type"] == "json_invalid" for error in errors):
        return Refused("malformed-body", "The body is no JSON.")
    if "path" in places:
        return Refused("not-found")
    if places & {"query", "header", "cookie"}:
        return Refused(
            "invalid-parameter",
            errors=[
                {"parameter": str(error["loc"][-1]), "detail": _words(error)} for error in errors
            ],
        )
    return Refused(
        "invalid-document",
        errors=[
            {"pointer": _pointer(error["loc"][1:]), "detail": _words(error)} for error in errors
        ],
    )
