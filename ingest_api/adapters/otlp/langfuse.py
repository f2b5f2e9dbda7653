"""The usage that Langfuse's SDKs put on a span: JSON text of disjoint counts.

Belongs here: that one attribute. Does not belong here: Langfuse's own intake.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ingest_api.adapters.base import UNREADABLE

_TEXT_MAX = 8192
_OPENAI = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}


def usage(text: object) -> dict[str, Any]:
    """Contract fields of ``langfuse.observation.usage_details``; empty when it is unreadable."""
    if not isinstance(text, str) or len(text) > _TEXT_MAX:
        return {}
    try:
        counts = msgspec.json.decode(text)
    except UNREADABLE:
        return {}
    if not isinstance(counts, dict):
        return {}
    found: dict[str, Any] = {}
    for name, count in counts.items():
        for field in _fields(name.lower()):
            # What is no count stays what it is, for the contract to refuse.
            is_sum = type(count) is int and type(found.get(field, 0)) is int
            found[field] = found.get(field, 0) + count if is_sum else count
    return found


def _fields(name: str) -> tuple[str, ...]:
    """The fields a count is part of."""
    if name in _OPENAI:
        return (_OPENAI[name],)
    if "cache" in name:
        is_write = "creat" in name or "writ" in name
        return ("input_tokens", f"cache_{'write' if is_write else 'read'}_input_tokens")
    if "reasoning" in name:
        return ("output_tokens", "reasoning_output_tokens")
    if "input" in name:
        return ("input_tokens",)
    return ("output_tokens",) if "output" in name else ()
