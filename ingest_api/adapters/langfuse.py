"""Langfuse's ingestion batches: of them only generations, which own usage.

A generation is often created when it starts and updated when it ends. What one batch tells of a
generation is one item; of a call still running nothing is counted yet.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ecomind.contract.codec import Problem
from ingest_api.adapters import usage
from ingest_api.adapters.base import Adapter, Document, MalformedBody, Named, json_document
from ingest_api.adapters.reading import (
    NOT_AN_OBJECT,
    amount,
    elapsed_ms,
    event_id,
    member,
    moment_of_text,
    present,
    text,
    urn,
)
from ingest_api.headers import Headers

_CREATE, _UPDATE = "generation-create", "generation-update"
_PUBLIC_KEY = re.compile(r"pk-lf-[A-Za-z0-9-]{1,64}")
_TAKEN = (
    "id", "startTime", "endTime", "model", "environment", "usageDetails", "usage", "costDetails",
    "userId", "level",
)  # fmt: skip
_CACHE_READ = ("input_cached_tokens", "input_cache_read", "cache_read_input_tokens")
_CACHE_WRITE = ("input_cache_creation", "cache_creation_input_tokens")
_REASONING = ("output_reasoning_tokens", "output_reasoning")


def public_key(batch: Mapping[str, Any], headers: Headers) -> str:
    """The sender's public key; what does not look like one is not repeated."""
    scheme, _, value = (headers.get("authorization") or "").partition(" ")
    user = ""
    if scheme.lower() == "basic":
        try:
            user = base64.b64decode(value.strip()).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError, ValueError):
            user = ""
    for candidate in (member(batch, "metadata", "public_key"), user):
        if isinstance(candidate, str) and _PUBLIC_KEY.fullmatch(candidate):
            return candidate
    return "sdk"


def _sum(details: Mapping[str, Any], *prefixes: str) -> Any:
    """The sum of the disjoint counts below the prefixes; an odd one stands for all."""
    parts = [count for name, count in details.items() if name.startswith(prefixes)]
    parts = [count for count in parts if count is not None]
    return usage.with_cache(parts[0], *parts[1:]) if parts else None


def _of_details(details: Mapping[str, Any]) -> dict[str, Any]:
    # What Anthropic calls its cache counts begins otherwise than the input it belongs to.
    def first(names: tuple[str, ...]) -> Any:
        return next((details[name] for name in names if details.get(name) is not None), None)

    return usage.consistent(
        present(
            input_tokens=_sum(details, "input", "cache_read_input", "cache_creation_input"),
            output_tokens=_sum(details, "output"),
            cache_read_input_tokens=first(_CACHE_READ),
            cache_write_input_tokens=first(_CACHE_WRITE),
            reasoning_output_tokens=first(_REASONING),
        )
    )


def counts_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Token counts of a generation: ``usageDetails``, else the older ``usage``."""
    details, older = body.get("usageDetails"), body.get("usage")
    if isinstance(details, dict) and details:
        return usage.of_answer(details) if "prompt_tokens" in details else _of_details(details)
    return present(
        input_tokens=_either(older, "input", "promptTokens"),
        output_tokens=_either(older, "output", "completionTokens"),
    )


def _either(value: object, *names: str) -> Any:
    found = (member(value, name) for name in names)
    return next((count for count in found if count is not None), None)


def call(body: Mapping[str, Any], source: str, sent_at: object) -> dict[str, Any]:
    """The call of a generation; ``sent_at`` stands in for a start that an update leaves out."""
    start, end = moment_of_text(body.get("startTime")), moment_of_text(body.get("endTime"))
    cost = amount(member(body, "costDetails", "total"))
    counts = counts_of(body)
    return present(
        event_id=event_id(body.get("id")),
        source=source,
        occurred_at=body.get("startTime") or body.get("endTime") or sent_at,
        environment=text(body.get("environment")),
        user_id=text(body.get("userId")),
        provider="unknown",
        # An update need not repeat the model: its tokens count all the same.
        response_model=text(body.get("model")) or "unknown",
        operation="chat",
        status="error" if body.get("level") == "ERROR" else None,
        usage_source="gateway_reported" if counts else "missing",
        duration_ms=elapsed_ms(start, end),
        cost_amount=cost,
        cost_currency=None if cost is None else "USD",
        **counts,
    )


class _Batch:
    """Generations of a batch by their ids, in the order of their first event."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.bodies: dict[str, dict[str, Any]] = {}
        self.names: dict[str, list[str]] = {}
        self.sent_at: dict[str, Any] = {}
        self.created: set[str] = set()
        self.problems: list[tuple[Problem, str]] = []
        self.passed: list[str] = []

    def take(self, event: object) -> None:
        """Put an event of the batch where it belongs."""
        if not isinstance(event, dict):
            self.problems.append((NOT_AN_OBJECT, ""))
            return
        name, kind, body = text(event.get("id")) or "", event.get("type"), event.get("body")
        if kind not in (_CREATE, _UPDATE):
            self.passed.append(name)
            return
        known = text(member(body, "id"))
        if not isinstance(body, dict) or known is None:
            problem = Problem("missing_field", "/event_id", "the generation has no id")
            self.problems.append((problem, name))
            return
        taken = {key: body[key] for key in _TAKEN if body.get(key) is not None}
        self.bodies[known] = {**self.bodies.get(known, {}), **taken}
        self.names.setdefault(known, []).append(name)
        self.sent_at.setdefault(known, event.get("timestamp"))
        if kind == _CREATE:
            self.created.add(known)

    def items(self) -> Named:
        """The calls that own usage, or that ended without any being counted."""
        found = Named()
        for known, body in self.bodies.items():
            has_ended = known in self.created and body.get("endTime") is not None
            if not counts_of(body) and not has_ended:
                self.passed += self.names[known]
                continue
            found.append(call(body, self.source, self.sent_at[known]))
            found.names.append(self.names[known])
        for problem, name in self.problems:
            found.append(problem)
            found.names.append([name])
        found.passed = self.passed
        return found


def parse(document: Document) -> Sequence[object]:
    """The calls of a batch."""
    value = json_document(document.body)
    events = member(value, "batch")
    if not isinstance(events, list):
        raise MalformedBody("the body is not an object with a batch of events")
    batch = _Batch(urn("langfuse", public_key(value, document.headers)))
    document.each(events, batch.take)
    return batch.items()


ADAPTER = Adapter("langfuse", ("application/json",), parse)
