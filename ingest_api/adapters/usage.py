"""Token counts as providers word them in their answers, under the contract's names.

Belongs here: what each counting includes. Does not belong here: where a tool keeps the counts.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from ingest_api.adapters.reading import member, present


def _first(value: object, *paths: tuple[str, ...]) -> Any:
    for path in paths:
        found = member(value, *path)
        if found is not None:
            return found
    return None


def is_count(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def with_cache(fresh: object, *parts: object) -> Any:
    """All input of a provider that counts cache reads and writes apart; odd counts unchanged."""
    total = 0
    for each in (fresh, *(part for part in parts if part is not None)):
        if not is_count(each):
            return each
        total += each
    return total


def inclusive(total: object, read: object, write: object) -> Any:
    """All input where the counting should include the cache but may not.

    A total smaller than its own parts cannot include them.
    """
    cached = sum(part for part in (read, write) if is_count(part))
    if is_count(total) and total < cached:
        return total + cached
    return total


_TOTALS = (("audio_input_tokens", "input_tokens"), ("audio_output_tokens", "output_tokens"))


def consistent(counts: dict[str, Any]) -> dict[str, Any]:
    """The counts with totals that include their parts, whichever way the sender counts.

    Some providers leave reasoning out of the output as others leave the cache out of the input.
    """
    found = dict(counts)
    read, write = (counts.get(f"cache_{way}_input_tokens") for way in ("read", "write"))
    found["input_tokens"] = inclusive(counts.get("input_tokens"), read, write)
    reasoning = counts.get("reasoning_output_tokens")
    found["output_tokens"] = inclusive(counts.get("output_tokens"), reasoning, None)
    for part, total in _TOTALS:
        held, whole = found.get(part), found[total]
        if not is_count(held) or not is_count(whole) or held > whole:
            found.pop(part, None)
    return present(**found)


def of_answer(usage: object) -> dict[str, Any]:
    """The counts of a ``usage`` object of OpenAI's (either API) or Anthropic's answers."""
    read = _first(
        usage,
        ("cache_read_input_tokens",),
        ("prompt_tokens_details", "cached_tokens"),
        ("input_tokens_details", "cached_tokens"),
    )
    write = _first(
        usage,
        ("cache_creation_input_tokens",),
        ("prompt_tokens_details", "cache_write_tokens"),
        ("prompt_tokens_details", "cache_creation_tokens"),
        ("input_tokens_details", "cache_write_tokens"),
    )
    total = member(usage, "prompt_tokens")
    if total is None:
        total = member(usage, "input_tokens")
        is_exclusive = _first(usage, ("cache_read_input_tokens",), ("cache_creation_input_tokens",))
        if is_exclusive is not None:
            total = with_cache(total, read, write)
    counts = present(
        input_tokens=total,
        output_tokens=_first(usage, ("completion_tokens",), ("output_tokens",)),
        cache_read_input_tokens=read,
        cache_write_input_tokens=write,
        reasoning_output_tokens=_first(
            usage,
            ("completion_tokens_details", "reasoning_tokens"),
            ("output_tokens_details", "reasoning_tokens"),
            ("output_tokens_details", "thinking_tokens"),
        ),
        audio_input_tokens=member(usage, "prompt_tokens_details", "audio_tokens"),
        audio_output_tokens=member(usage, "completion_tokens_details", "audio_tokens"),
    )
    return consistent(counts)
