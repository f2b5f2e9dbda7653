"""What describes the service: its addresses, the event's schema, the OpenAPI document.

Belongs here: serving them, public and with an ETag. Does not belong here: rendering the OpenAPI
document (``openapi``).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from functools import cache

import msgspec

from ingest_api.desk.base import Answer, Call, Desk, Endpoint
from ingest_api.replies import JSON, Reply

_ADDRESSES = {
    "service": "EcoMind ingest",
    "send_events": "/v1/events",
    "openapi": "/openapi.json",
    "event_schema": "/v1/schema/event.json",
    "ready": "/readyz",
    "health": "/health",
}


@cache
def _index() -> bytes:
    return msgspec.json.encode(_ADDRESSES)


@cache
def _schema() -> bytes:
    from ecomind.contract.exports import json_schema  # noqa: PLC0415 (half a second, for those who ask)

    return json_schema().encode()


@cache
def _openapi() -> bytes:
    from ingest_api.desk.openapi import document  # noqa: PLC0415 (it describes this module, too)

    return msgspec.json.encode(document())


def _served(render: Callable[[], bytes], media_type: str) -> Callable[[Desk, Call], Reply]:
    def serve(_desk: Desk, call: Call) -> Reply:
        body = render()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = [("etag", etag), ("cache-control", "public, max-age=300")]
        asked = call.document.headers.get("if-none-match") or ""
        if asked.strip() == "*" or etag in (
            tag.strip().removeprefix("W/") for tag in asked.split(",")
        ):
            return Reply(304, b"", headers)
        return Reply(200, body, [("content-type", media_type), *headers])

    return serve


def _endpoint(path: str, summary: str, render: Callable[[], bytes], media_type: str) -> Endpoint:
    serve = _served(render, media_type)

    async def handle(desk: Desk, call: Call) -> Reply:
        return await asyncio.to_thread(serve, desk, call)

    return Endpoint(
        "GET",
        path,
        summary,
        handle,
        answers={200: Answer(summary, media_type=media_type), 304: Answer("It is unchanged.")},
    )


ENDPOINTS = (
    _endpoint("/", "Where things are.", _index, JSON[1]),
    _endpoint(
        "/v1/schema/event.json",
        "JSON Schema of an event.",
        _schema,
        "application/schema+json",
    ),
    _endpoint("/openapi.json", "This document.", _openapi, JSON[1]),
)
