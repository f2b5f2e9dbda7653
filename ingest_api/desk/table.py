"""All endpoints of the desk, and finding the one a request means.

Belongs here: the one table. Does not belong here: what an endpoint does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest_api.desk import documents, events, imports, receipts, rejections, validate
from ingest_api.desk.base import Endpoint
from ingest_api.replies import Refused

ENDPOINTS: Sequence[Endpoint] = (
    *validate.ENDPOINTS,
    *receipts.ENDPOINTS,
    *events.ENDPOINTS,
    *rejections.ENDPOINTS,
    *imports.ENDPOINTS,
    *documents.ENDPOINTS,
)


@dataclass(frozen=True, slots=True)
class _Address:
    pattern: re.Pattern[str]
    by_method: Mapping[str, Endpoint]


def _addresses() -> tuple[_Address, ...]:
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    # The more of an address is fixed, the earlier it is tried: /a/{b}/c before /a/{b}.
    ordered = sorted(by_path.items(), key=lambda each: (-each[0].count("/"), each[0]))
    return tuple(
        _Address(next(iter(endpoints.values())).pattern(), endpoints) for _, endpoints in ordered
    )


_ADDRESSES = _addresses()


def find(method: str, path: str) -> tuple[Endpoint, Mapping[str, str]]:
    """The endpoint of a request and its parameters in the path.

    Raises ``Refused``: there is no such address, or not with this method.
    """
    for address in _ADDRESSES:
        match = address.pattern.fullmatch(path)
        if match is None:
            continue
        endpoint = address.by_method.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            raise Refused("method-not-allowed", headers=(("allow", allowed(address.by_method)),))
        return endpoint, match.groupdict()
    raise Refused("not-found")


def allowed(methods: Mapping[str, Endpoint]) -> str:
    """Value of an Allow header: HEAD goes where GET goes."""
    names = sorted(methods)
    return ", ".join([*names, "HEAD"] if "GET" in names else names)
