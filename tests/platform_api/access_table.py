"""Who may do what over HTTP, address by address: the declaration the tests hold the service to.

A new address without a row fails, as does a row without an address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecomind.identity import Role
from tests.platform_api.running import Platform, bundle

PEOPLE = frozenset({Role.OWNER, Role.ADMIN, Role.ANALYST, Role.VIEWER})
ADMINS = frozenset({Role.OWNER, Role.ADMIN})
EVERYBODY = frozenset(Role)

Address = Callable[[Platform, str], str]
"""The filled-in address of something of an organisation."""


@dataclass(frozen=True)
class Row:
    """An address: who may use it (None: no credential needed), and how to use it well."""

    roles: frozenset[Role] | None
    address: Address
    success: int = 200
    body: Callable[[Platform, str], Any] | None = None
    names_an_object: bool = False
    """Whether the address names something that only one organisation has."""


def fixed(text: str) -> Address:
    return lambda _platform, _org_id: text


def _explain(platform: Platform, _org_id: str) -> str:
    return f"/v1/footprint/explain?date={platform.last_day}"


def _file(platform: Platform, org_id: str) -> str:
    bundle(platform, org_id)
    return f"/v1/reports/2026-10/versions/{1 if org_id == 'aurelia' else 2}/files/facts.csv"


TABLE: Mapping[tuple[str, str], Row] = {
    ("GET", "/livez"): Row(None, fixed("/livez")),
    ("GET", "/readyz"): Row(None, fixed("/readyz")),
    ("GET", "/health"): Row(None, fixed("/health")),
    ("GET", "/openapi.json"): Row(None, fixed("/openapi.json")),
    ("GET", "/v1/today"): Row(PEOPLE, fixed("/v1/today")),
    ("GET", "/v1/aggregate/daily"): Row(PEOPLE, fixed("/v1/aggregate/daily?group_by=team")),
    ("GET", "/v1/aggregate/daily?group_by=user"): Row(
        ADMINS, fixed("/v1/aggregate/daily?group_by=user")
    ),
    ("GET", "/v1/footprint/explain"): Row(PEOPLE, _explain),
    ("GET", "/v1/reports"): Row(PEOPLE, fixed("/v1/reports")),
    ("GET", "/v1/reports/{period}/versions/{version}/files/{name}"): Row(
        PEOPLE, _file, names_an_object=True
    ),
}
"""By method and address; a question mark marks a case of an address with rules of its own."""
