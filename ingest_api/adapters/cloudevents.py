"""CloudEvents 1.0 over HTTP: binary, structured and batched.

Two types are taken: our own, whose data are an event's fields, and LiteLLM's token counts. The
attributes that a CloudEvent has for it (id, source, time, subject, sampledrate) win over the
same fields in its data.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from ecomind.contract.codec import Problem
from ingest_api.adapters.base import Adapter, Document, MalformedBody, json_document
from ingest_api.adapters.reading import (
    NOT_AN_OBJECT,
    amount,
    digest,
    event_id,
    member,
    present,
    text,
)

AI_CALL = "io.ecomind.ai_call.v1"
LITELLM_TOKENS = "litellm_tokens"
SCHEMA_NAMES = ("ai-call-event-1.json", "event.schema.json", "event.json")
"""How the last part of a ``dataschema`` of ours may read."""

_REQUIRED = (("id", "/event_id"), ("source", "/source"), ("type", ""))
_ATTRIBUTES = (
    "id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "sampledrate",
)  # fmt: skip
_JSON = ("application/json", "text/json")

BINARY_HEADER = "ce-specversion"
"""A request that has this header is a CloudEvent in binary mode, whatever its Content-Type."""


def is_json(media_type: str | None) -> bool:
    """Whether data of a media type are JSON; without one they are."""
    essence = (media_type or _JSON[0]).partition(";")[0].strip().lower()
    return essence in _JSON or essence.endswith("+json")


def _weight(rate: object) -> object:
    if isinstance(rate, str) and rate.strip().isdecimal() and len(rate) < 10:
        return int(rate)
    return rate


def _of_us(attributes: Mapping[str, Any], data: Mapping[str, Any]) -> object:
    schema = text(attributes.get("dataschema"))
    if schema is not None and schema.partition("#")[0].rpartition("/")[2] not in SCHEMA_NAMES:
        detail = f"dataschema does not name one of {', '.join(SCHEMA_NAMES)}"
        return Problem("unsupported_schema", "/schema_version", detail)
    return {
        **data,
        **present(
            event_id=event_id(attributes["id"]),
            source=attributes["source"],
            occurred_at=attributes.get("time"),
            user_id=attributes.get("subject"),
            sample_weight=_weight(attributes.get("sampledrate")),
        ),
    }


def _of_litellm(attributes: Mapping[str, Any], data: Mapping[str, Any]) -> object:
    cost = amount(data.get("cost"))
    return present(
        event_id=event_id(attributes["id"]),
        source=attributes["source"],
        occurred_at=attributes.get("time"),
        user_id=text(attributes.get("subject")),
        provider="unknown",
        request_model=text(data.get("model")),
        operation="chat",
        input_tokens=data.get("prompt_tokens"),
        output_tokens=data.get("completion_tokens"),
        usage_source="gateway_reported",
        cost_amount=cost,
        cost_currency=None if cost is None else "USD",
        sample_weight=_weight(attributes.get("sampledrate")),
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], object]] = {
    AI_CALL: _of_us,
    LITELLM_TOKENS: _of_litellm,
}


def _item(attributes: dict[str, Any], data: object) -> object:
    """The item of a CloudEvent's attributes and its data."""
    kind = attributes.get("type")
    if kind == LITELLM_TOKENS and attributes.get("id") is None:
        # The id is that of the provider's answer, which not every provider gives.
        written = [str(attributes.get("time")), digest_of(data)]
        attributes["id"] = f"om_{digest(written)}"
    for name, pointer in _REQUIRED:
        if text(attributes.get(name)) is None:
            return Problem("missing_field", pointer, f"the attribute {name} is required")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        detail = f"the CloudEvents type is not one of {', '.join(_READERS)}"
        return Problem("unsupported_type", "", detail)
    if not isinstance(data, dict):
        return Problem("not_an_object", "", "the data of the CloudEvent are no JSON object")
    return reader(attributes, data)


def digest_of(data: object) -> str:
    """A digest of the counts, by which an event without an id is known."""
    names = ("model", "cost", "prompt_tokens", "completion_tokens", "total_tokens")
    return digest([str(member(data, name)) for name in names])


def _data(event: Mapping[str, Any]) -> object:
    encoded = event.get("data_base64")
    if not isinstance(encoded, str):
        return event.get("data")
    try:
        return json_document(b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, MalformedBody):
        return None


def item(event: object) -> object:
    """The item of one CloudEvent in JSON."""
    if not isinstance(event, dict):
        return NOT_AN_OBJECT
    if event.get("specversion") != "1.0":
        return Problem("unsupported_version", "", "the CloudEvents specversion is not 1.0")
    return _item({name: event.get(name) for name in _ATTRIBUTES}, _data(event))


def parse(document: Document) -> Sequence[object]:
    """The one item of a CloudEvent in structured mode."""
    event = json_document(document.body)
    if not isinstance(event, dict):
        raise MalformedBody("the body is not one CloudEvent; send several as a batch")
    return (item(event),)


def parse_batch(document: Document) -> Sequence[object]:
    """The items of a batch of CloudEvents."""
    events = json_document(document.body)
    if not isinstance(events, list):
        raise MalformedBody("the body is not an array of CloudEvents")
    return document.each(events, item)


def parse_binary(document: Document) -> Sequence[object]:
    """The one item of a CloudEvent in binary mode: attributes in headers, data in the body."""
    headers = document.headers
    if headers.get(BINARY_HEADER) != "1.0":
        raise MalformedBody("ce-specversion is not 1.0")
    attributes: dict[str, Any] = {}
    for name in _ATTRIBUTES:
        value = headers.get(f"ce-{name}")
        attributes[name] = None if value is None else unquote(value)
    return (_item(attributes, json_document(document.body)),)


def parse_any(document: Document) -> Sequence[object]:
    """The items of one CloudEvent or of an array of them, as OpenMeter takes them."""
    value = json_document(document.body)
    if not isinstance(value, list | dict):
        raise MalformedBody("the body is neither a CloudEvent nor an array of them")
    return document.each(value if isinstance(value, list) else (value,), item)


STRUCTURED_MEDIA_TYPE = "application/cloudevents+json"
BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"

STRUCTURED = Adapter("cloudevents", (STRUCTURED_MEDIA_TYPE,), parse)
BATCH = Adapter("cloudevents_batch", (BATCH_MEDIA_TYPE,), parse_batch)
BINARY = Adapter("cloudevents_binary", (), parse_binary)
OPENMETER = Adapter(
    "openmeter", (STRUCTURED_MEDIA_TYPE, BATCH_MEDIA_TYPE, "application/json"), parse_any
)
