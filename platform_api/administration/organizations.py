"""``/v1/orgs``: the organisation of the credential, its name and settings.

Belongs here: reading, renaming, configuring and deleting it. Does not belong here: making
organisations, which is the operator's (``ecomind org create``).
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import Field

from ecomind.identity import IdentityStore, Principal, Scope
from platform_api.administration.frame import (
    FOUND,
    GONE,
    MATCHES,
    TAG,
    Document,
    Name,
    changing,
    check_match,
    done,
    example,
    in_path,
    listed,
    single,
)
from platform_api.callers import Holding, guarded
from platform_api.problems import Refused
from platform_api.service import ServiceOf

router = guarded(TAG)
OrgId = Annotated[str, in_path("The organisation of the credential.", "acme")]
Days = Annotated[int, Field(ge=1, le=36_500)]


class Preferences(Document):
    """Settings of an organisation; periods in days, null keeps for good."""

    analysts_see_people: bool
    raw_days: Days | None
    rejects_days: Days | None
    logs_days: Days | None
    audit_days: Days | None


class Organization(Document):
    """An organisation."""

    org_id: str
    name: str
    created_at: datetime
    suspended_at: datetime | None
    preferences: Preferences


class Organizations(Document):
    """The organisations a credential may see."""

    data: list[Organization]


class PreferencesChange(Document):
    """Settings to change; those not named stay as they are."""

    analysts_see_people: bool | None = None
    raw_days: Days | None = None
    rejects_days: Days | None = None
    logs_days: Days | None = None
    audit_days: Days | None = None


class OrganizationChange(Document):
    """What to change; members not named stay as they are."""

    model_config = example({"name": "Acme GmbH", "preferences": {"analysts_see_people": True}})

    name: Name | None = None
    preferences: PreferencesChange | None = None


def _own(principal: Principal, org_id: str) -> None:
    if org_id != principal.org_id:
        raise Refused("not-found")


def _told(store: IdentityStore, org_id: str) -> dict[str, Any]:
    return asdict(store.organizations.get(org_id))


@router.get("/v1/orgs", summary="Organisations of the credential", response_model=Organizations)
def organizations(
    service: ServiceOf, principal: Annotated[Principal, Depends(Holding(Scope.TOTALS_READ))]
) -> Response:
    """The one organisation the credential acts in."""
    return listed([_told(service.store, principal.org_id)])


@router.get(
    "/v1/orgs/{org_id}",
    summary="The organisation and its settings",
    response_model=Organization,
    responses=dict(FOUND),
)
def organization(
    service: ServiceOf,
    principal: Annotated[Principal, Depends(Holding(Scope.TOTALS_READ))],
    org_id: OrgId,
) -> Response:
    """One organisation."""
    _own(principal, org_id)
    return single(_told(service.store, org_id))


@router.patch(
    "/v1/orgs/{org_id}",
    summary="Rename the organisation or change its settings",
    response_model=Organization,
    responses=dict(FOUND),
    openapi_extra=MATCHES,
)
def change_organization(
    request: Request,
    service: ServiceOf,
    principal: Annotated[Principal, Depends(Holding(Scope.ADMIN_ORG))],
    org_id: OrgId,
    change: OrganizationChange,
) -> Response:
    """Change name and settings together, or nothing."""
    _own(principal, org_id)
    with changing(service, principal) as store:
        check_match(request, _told(store, org_id))
        if change.name is not None:
            store.organizations.rename(org_id, change.name)
        if change.preferences is not None:
            named = change.preferences.model_dump(exclude_unset=True)
            if named.get("analysts_see_people", False) is None:
                del named["analysts_see_people"]
            wanted = replace(store.organizations.get(org_id).preferences, **named)
            store.organizations.configure(org_id, wanted)
        found = _told(store, org_id)
    return single(found)


@router.delete(
    "/v1/orgs/{org_id}",
    summary="Delete the organisation",
    description="Ends every key and membership and forgets its people. Its id is never "
    "given again; its events stay until retention removes them.",
    status_code=204,
    response_class=Response,
    responses=GONE,
    openapi_extra=MATCHES,
)
def delete_organization(
    request: Request,
    service: ServiceOf,
    principal: Annotated[
        Principal, Depends(Holding(Scope.ORG_DELETE, freshly="organization.delete"))
    ],
    org_id: OrgId,
) -> Response:
    """Delete it for good."""
    _own(principal, org_id)
    with changing(service, principal) as store:
        check_match(request, _told(store, org_id))
        store.organizations.delete(org_id)
    return done()
