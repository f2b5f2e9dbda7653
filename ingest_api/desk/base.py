"""What an endpoint of the desk is, and how its parameters are read.

Belongs here: the shape shared by all endpoints. Does not belong here: any one of them, or HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec

from ecomind.identity import Scope
from ecomind.identity.store import IdentityStore
from ecomind.settings import Settings
from ingest_api.adapters.base import Document
from ingest_api.credentials import Tenant
from ingest_api.intake import Intake
from ingest_api.outcome import Outcome
from ingest_api.replies import Refused, Reply

T = TypeVar("T")
_log = logging.getLogger("ingest_api")
_SEARCHES_AT_ONCE = 2
_SEARCHES_MAX = 64
_SEARCHES_OF_ONE_MAX = 8
"""Most searches under way and waiting: of all organisations, and of one."""
_PARAMETERS_MAX = 32

Schema = dict[str, Any]
"""A JSON Schema (2020-12)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value in the path or the query: how it is documented and read.

    ``read`` raises ``ValueError`` for a text that is no value. A value of the path that is none
    answers 404: there is nothing under such a name.
    """

    name: str
    place: Literal["path", "query"]
    description: str
    schema: Schema
    read: Callable[[str], Any] = str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint may answer: words, a schema, an example."""

    description: str
    schema: Schema = field(default_factory=lambda: {"type": "object"})
    example: Any = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an endpoint; ``values`` are its parameters, absent ones are absent."""

    caller: Tenant | None
    values: Mapping[str, Any]
    document: Document
    sortable_id: str
    judged: Callable[[str, Outcome], None]
    """Is told of every outcome, with the adapter's name, so that it is counted."""

    @property
    def tenant(self) -> Tenant:
        """Who asks; only public endpoints are called without."""
        if self.caller is None:
            raise Refused("invalid-credential")
        return self.caller

    @property
    def org_id(self) -> str:
        """The organisation of the credential, the only one an endpoint may look at."""
        return self.tenant.org_id


class Searches:
    """Threads for what reads files, few, so that answers to senders never wait for them."""

    def __init__(self) -> None:
        """Threads start when first used."""
        self._pool = ThreadPoolExecutor(_SEARCHES_AT_ONCE, thread_name_prefix="search")
        self._under_way: Counter[str] = Counter()

    async def run(self, org_id: str, search: Callable[[], T]) -> T:
        """The result of an organisation's search. Raises ``Refused`` when too many wait."""
        is_full = self._under_way.total() >= _SEARCHES_MAX
        if is_full or self._under_way[org_id] >= _SEARCHES_OF_ONE_MAX:
            raise Refused("search-too-long", retry_after_s=5)
        self._under_way[org_id] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, search)
        except OSError as error:
            _log.error("a search failed with %s", type(error).__name__)
            detail = "the log or the landing zone cannot be read"
            raise Refused("search-too-long", retry_after_s=5, detail=detail) from None
        finally:
            self._under_way -= Counter([org_id])


@dataclass(frozen=True, slots=True)
class Desk:
    """What endpoints work with."""

    settings: Settings
    store: IdentityStore
    intake: Intake
    searches: Searches = field(default_factory=Searches)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with a method; ``scopes``: any of them lets in, none are needed if empty.

    ``body`` maps media types it takes to their schemas; None takes no body.
    """

    method: Literal["GET", "POST", "PUT"]
    path: str
    summary: str
    handle: Callable[[Desk, Call], Awaitable[Reply]]
    answers: Mapping[int, Answer]
    scopes: tuple[Scope, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Mapping[str, Schema] | None = None
    is_body_required: bool = True
    description: str = ""
    refusals: tuple[str, ...] = ()
    """Problems by name that are this endpoint's own."""

    def pattern(self) -> re.Pattern[str]:
        """What its paths look like; the last parameter may hold slashes."""
        parts = re.split(r"\{(\w+)\}", self.path)
        last = len(parts) - 2
        return re.compile(
            "".join(
                (f"(?P<{part}>{'.+' if i == last and not parts[-1] else '[^/]+'})")
                if i % 2
                else re.escape(part)
                for i, part in enumerate(parts)
            )
        )

    def values(self, groups: Mapping[str, str], query_string: str) -> dict[str, Any]:
        """Its parameters' values, from a path already decoded. Raises ``Refused``."""
        try:
            pairs = parse_qsl(query_string, max_num_fields=_PARAMETERS_MAX, errors="strict")
        except (ValueError, UnicodeDecodeError):
            raise Refused("invalid-parameter", detail="the query cannot be read") from None
        query, found = dict(pairs), {}
        for parameter in self.parameters:
            is_in_path = parameter.place == "path"
            text = groups[parameter.name] if is_in_path else query.get(parameter.name)
            if text is None:
                continue
            try:
                found[parameter.name] = parameter.read(text)
            except ValueError as error:
                if is_in_path:
                    raise Refused("not-found") from None
                detail = str(error)
                raise Refused(
                    "invalid-parameter", parameter=parameter.name, detail=detail
                ) from None
        return found


def matching(pattern: str, what: str) -> Callable[[str], str]:
    """A reader of texts of one pattern; ``what`` names them in a refusal."""
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise ValueError(f"it must be {what}")
        return text

    return read


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers, both bounds included."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(high))):
            raise ValueError(f"it must be a whole number from {low} to {high}")
        if not low <= int(text) <= high:
            raise ValueError(f"it must be a whole number from {low} to {high}")
        return int(text)

    return read


def moment(text: str) -> datetime:
    """A time with an offset (a plus sign may have become a space), or a day (UTC)."""
    try:
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
        found = found.replace(tzinfo=UTC) if len(text) <= len("2026-01-01") else found
        if found.tzinfo is None:
            raise ValueError
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("it must be an RFC 3339 time with an offset, or a day") from None


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object of a body, empty for an empty body. Raises ``Refused``."""
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("malformed-body", detail="the body is not a JSON object") from None


def utc_text(found: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    text = found.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
