"""Who may do what over HTTP, address by address: the declaration the tests hold the service to.

A new address without a row fails, as does a row without an address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecomind.identity import Role
from tests.platform_api import things
from tests.platform_api.running import OURS, Platform, bundle

ADMINS = frozenset({Role.OWNER, Role.ADMIN})
ANALYSTS = ADMINS | {Role.ANALYST}
READERS = ANALYSTS | {Role.VIEWER}
TOTALS = READERS | {Role.BILLING}

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
    is_final: bool = False
    """Whether it ends the organisation it is used on."""
    takes_fresh_sign_in: bool = False
    """Whether people must have signed in within the last ten minutes."""


def fixed(text: str) -> Address:
    return lambda _platform, _org_id: text


def given(**members: Any) -> Callable[[Platform, str], Any]:
    return lambda _platform, _org_id: members


def of(path: str, make: Callable[[Platform, str], str], rest: str = "") -> Address:
    """The address of something made for the purpose."""
    return lambda platform, org_id: f"{path}/{make(platform, org_id)}{rest}"


def _explain(platform: Platform, _org_id: str) -> str:
    return f"/v1/footprint/explain?date={platform.last_day}"


def _file(platform: Platform, org_id: str) -> str:
    bundle(platform, org_id)
    return f"/v1/reports/2026-10/versions/{1 if org_id == OURS else 2}/files/facts.csv"


def _own(_platform: Platform, org_id: str) -> str:
    return f"/v1/orgs/{org_id}"


def _new_alert(platform: Platform, org_id: str) -> str:
    return f"/v1/alerts/{org_id}-rule-{platform.number()}"


OPEN = {
    ("GET", path): Row(None, fixed(path))
    for path in ("/livez", "/readyz", "/health", "/openapi.json")
}
READS = {
    ("GET", "/v1/today"): Row(TOTALS, fixed("/v1/today")),
    ("GET", "/v1/aggregate/daily"): Row(TOTALS, fixed("/v1/aggregate/daily?group_by=org")),
    ("GET", "/v1/aggregate/daily?group_by=team"): Row(
        READERS, fixed("/v1/aggregate/daily?group_by=team")
    ),
    ("GET", "/v1/aggregate/daily?group_by=model"): Row(
        READERS, fixed("/v1/aggregate/daily?group_by=model")
    ),
    ("GET", "/v1/aggregate/daily?group_by=source"): Row(
        READERS, fixed("/v1/aggregate/daily?group_by=source")
    ),
    ("GET", "/v1/aggregate/daily?group_by=user"): Row(
        ADMINS, fixed("/v1/aggregate/daily?group_by=user")
    ),
    ("GET", "/v1/footprint/explain"): Row(READERS, _explain),
    ("GET", "/v1/reports"): Row(READERS, fixed("/v1/reports")),
    ("GET", "/v1/reports/{period}/versions/{version}/files/{name}"): Row(
        READERS, _file, names_an_object=True
    ),
    ("POST", "/v1/reports"): Row(ANALYSTS, fixed("/v1/reports"), 202, given(period="2026-10")),
    ("GET", "/v1/reports/requests/{job_id}"): Row(
        READERS, of("/v1/reports/requests", things.report_job), names_an_object=True
    ),
}
ORGANIZATIONS = {
    ("GET", "/v1/orgs"): Row(TOTALS, fixed("/v1/orgs")),
    ("GET", "/v1/orgs/{org_id}"): Row(TOTALS, _own, names_an_object=True),
    ("PATCH", "/v1/orgs/{org_id}"): Row(
        ADMINS, _own, body=given(preferences={"logs_days": 30}), names_an_object=True
    ),
    ("DELETE", "/v1/orgs/{org_id}"): Row(
        frozenset({Role.OWNER}),
        _own,
        204,
        names_an_object=True,
        is_final=True,
        takes_fresh_sign_in=True,
    ),
}
DIRECTORY = {
    ("GET", "/v1/teams"): Row(READERS, fixed("/v1/teams")),
    ("POST", "/v1/teams"): Row(ADMINS, fixed("/v1/teams"), 201, things.new_team),
    ("GET", "/v1/teams/{team_id}"): Row(
        READERS, of("/v1/teams", things.team), names_an_object=True
    ),
    ("PATCH", "/v1/teams/{team_id}"): Row(
        ADMINS, of("/v1/teams", things.team), body=given(name="Other"), names_an_object=True
    ),
    ("DELETE", "/v1/teams/{team_id}"): Row(
        ADMINS, of("/v1/teams", things.team), 204, names_an_object=True
    ),
    ("GET", "/v1/users"): Row(ADMINS, fixed("/v1/users")),
    ("POST", "/v1/users"): Row(ADMINS, fixed("/v1/users"), 201, things.new_user),
    ("GET", "/v1/users/{user_id}"): Row(ADMINS, of("/v1/users", things.user), names_an_object=True),
    ("PATCH", "/v1/users/{user_id}"): Row(
        ADMINS, of("/v1/users", things.user), body=given(display_name="X"), names_an_object=True
    ),
    ("DELETE", "/v1/users/{user_id}"): Row(
        ADMINS, of("/v1/users", things.user), 204, names_an_object=True
    ),
    ("GET", "/v1/members"): Row(ADMINS, fixed("/v1/members")),
    ("POST", "/v1/members"): Row(
        ADMINS, fixed("/v1/members"), 201, things.new_member, takes_fresh_sign_in=True
    ),
    ("GET", "/v1/members/{person_id}"): Row(
        ADMINS, of("/v1/members", things.member), names_an_object=True
    ),
    ("PATCH", "/v1/members/{person_id}"): Row(
        ADMINS,
        of("/v1/members", things.member),
        body=given(role="viewer"),
        names_an_object=True,
        takes_fresh_sign_in=True,
    ),
    ("DELETE", "/v1/members/{person_id}"): Row(
        ADMINS,
        of("/v1/members", things.member),
        204,
        names_an_object=True,
        takes_fresh_sign_in=True,
    ),
}
KEYS = {
    ("GET", "/v1/keys"): Row(ADMINS, fixed("/v1/keys")),
    ("POST", "/v1/keys"): Row(
        ADMINS,
        fixed("/v1/keys"),
        201,
        given(role="ingest", name="gateway"),
        takes_fresh_sign_in=True,
    ),
    ("GET", "/v1/keys/{key_id}"): Row(ADMINS, of("/v1/keys", things.key), names_an_object=True),
    ("DELETE", "/v1/keys/{key_id}"): Row(
        ADMINS, of("/v1/keys", things.key), 204, names_an_object=True, takes_fresh_sign_in=True
    ),
    ("POST", "/v1/keys/{key_id}/rotate"): Row(
        ADMINS,
        of("/v1/keys", things.key, "/rotate"),
        body=given(),
        names_an_object=True,
        takes_fresh_sign_in=True,
    ),
}
RULES = {
    ("GET", "/v1/factors"): Row(READERS, fixed("/v1/factors")),
    ("GET", "/v1/factors/overrides"): Row(READERS, fixed("/v1/factors/overrides")),
    ("POST", "/v1/factors/overrides"): Row(
        ADMINS, fixed("/v1/factors/overrides"), 201, things.new_override
    ),
    ("GET", "/v1/factors/overrides/{override_id}"): Row(
        READERS, of("/v1/factors/overrides", things.override), names_an_object=True
    ),
    ("POST", "/v1/factors/overrides/{override_id}/withdraw"): Row(
        ADMINS,
        of("/v1/factors/overrides", things.override, "/withdraw"),
        body=given(reason="no longer so"),
        names_an_object=True,
    ),
    ("GET", "/v1/alerts"): Row(READERS, fixed("/v1/alerts")),
    ("GET", "/v1/alerts/{rule_id}"): Row(
        READERS, of("/v1/alerts", things.alert), names_an_object=True
    ),
    ("PUT", "/v1/alerts/{rule_id}"): Row(
        ANALYSTS, _new_alert, 201, given(metric="energy_mid_kwh", threshold=5)
    ),
    ("DELETE", "/v1/alerts/{rule_id}"): Row(
        ANALYSTS, of("/v1/alerts", things.alert), 204, names_an_object=True
    ),
    ("GET", "/v1/audits"): Row(ANALYSTS, fixed("/v1/audits")),
    ("GET", "/v1/audits/verification"): Row(ANALYSTS, fixed("/v1/audits/verification")),
}
PRIVACY = {
    ("POST", "/v1/privacy/erasures"): Row(
        ADMINS, fixed("/v1/privacy/erasures"), 202, things.somebody, takes_fresh_sign_in=True
    ),
    ("POST", "/v1/privacy/exports"): Row(
        ADMINS, fixed("/v1/privacy/exports"), 202, things.somebody, takes_fresh_sign_in=True
    ),
    ("GET", "/v1/privacy/jobs"): Row(ADMINS, fixed("/v1/privacy/jobs")),
    ("GET", "/v1/privacy/jobs/{job_id}"): Row(
        ADMINS, of("/v1/privacy/jobs", things.privacy_job), names_an_object=True
    ),
    ("GET", "/v1/privacy/jobs/{job_id}/archive"): Row(
        ADMINS,
        of("/v1/privacy/jobs", things.exported, "/archive"),
        names_an_object=True,
        takes_fresh_sign_in=True,
    ),
}

TABLE: Mapping[tuple[str, str], Row] = {
    **OPEN, **READS, **ORGANIZATIONS, **DIRECTORY, **KEYS, **RULES, **PRIVACY,
}  # fmt: skip
"""By method and address; a question mark marks a case of an address with rules of its own."""
