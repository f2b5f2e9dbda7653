"""What all administration has in common: documents, their tags, and changes that meet them.

Belongs here: the forms of bodies and answers, ``If-Match``, and the transaction of a change. Does
not belong here: anything of one kind of thing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from ecomind.identity import IdentityStore, Principal
from platform_api.problems import Refused
from platform_api.representations import json_bytes
from platform_api.service import Service

TAG = "administration"
IDENTIFIER = r"^[a-z0-9][a-z0-9_.-]{0,63}$"
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER)]
PRINTED = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=PRINTED)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]


def in_path(description: str, example: str, pattern: str = IDENTIFIER) -> Any:
    """A part of an address."""
    return Path(description=description, pattern=pattern, examples=[example])


def example(
    members: Mapping[str, Any], *, extra: Literal["forbid", "allow"] = "forbid"
) -> ConfigDict:
    """The configuration of a document with an example."""
    return ConfigDict(extra=extra, json_schema_extra={"examples": [dict(members)]})


class Document(BaseModel):
    """A body or an answer; members nobody knows are refused."""

    model_config = ConfigDict(extra="forbid")


MATCHES = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "description": "The `ETag` it was read with; refused with 412 if it has changed.",
            "schema": {"type": "string"},
        }
    ],
    "x-problems": ["not-found", "conflict", "precondition-failed"],
}
"""What a change of one thing adds to its description."""
MAKES = {"x-problems": ["conflict", "not-found"]}
"""The same for what makes a thing."""
_TAGGED = {"headers": {"ETag": {"description": "Of this state.", "schema": {"type": "string"}}}}
FOUND: Mapping[int | str, dict[str, Any]] = {200: _TAGGED}
CREATED: dict[int | str, dict[str, Any]] = {
    201: {
        "headers": {
            **_TAGGED["headers"],
            "Location": {"description": "Its address.", "schema": {"type": "string"}},
        }
    }
}
GONE: dict[int | str, dict[str, Any]] = {204: {"description": "Done; there is nothing to say."}}


def etag_of(document: Mapping[str, Any]) -> str:
    """The strong tag of a thing's state."""
    return f'"{hashlib.sha256(json_bytes(document)).hexdigest()[:32]}"'


def single(
    document: Mapping[str, Any],
    *,
    status: int = 200,
    location: str = "",
    tagged: Mapping[str, Any] | None = None,
) -> Response:
    """One thing as JSON, with its address when it is new, and its tag.

    ``tagged`` is what the tag is made of, where that is not the document.
    """
    etag = etag_of(document if tagged is None else tagged)
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if location:
        headers["location"] = location
    return Response(json_bytes(document), status, headers, media_type="application/json")


def listed(rows: Sequence[Mapping[str, Any]], **more: Any) -> Response:
    """Several things as JSON."""
    headers = {"cache-control": "private, no-store"}
    body = json_bytes({"data": rows, **more})
    return Response(body, 200, headers, media_type="application/json")


def done() -> Response:
    """An answer without a body."""
    return Response(status_code=204)


def check_match(request: Request, document: Mapping[str, Any] | None) -> None:
    """Hold a change against the state its sender knows; None: there is no such thing yet.

    Raises ``Refused``. Inside the transaction of the change, so that nothing falls between.
    """
    known, unknown = request.headers.get("if-match"), request.headers.get("if-none-match")
    etag = None if document is None else etag_of(document)
    if known is not None and not _names(known, etag):
        raise Refused("precondition-failed")
    if unknown is not None and _names(unknown, etag):
        raise Refused("precondition-failed")


def _names(header: str, etag: str | None) -> bool:
    return etag is not None and any(each.strip() in (etag, "*") for each in header.split(","))


@contextmanager
def changing(service: Service, principal: Principal) -> Iterator[IdentityStore]:
    """The store on behalf of a principal, all changes in one transaction with what is read."""
    with service.store.acting(principal).together(principal.org_id) as store:
        yield store


def only(rows: Sequence[Mapping[str, Any]], key: str, value: str) -> dict[str, Any]:
    """The row with a key. Raises ``Refused`` when there is none."""
    for row in rows:
        if row[key] == value:
            return {name: each for name, each in row.items() if name != "org_id"}
    raise Refused("not-found")
