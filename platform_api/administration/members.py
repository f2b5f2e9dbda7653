"""``/v1/members``: people who sign in, and what they are in the organisation.

Belongs here: inviting, changing and ending memberships. Does not belong here: signing in, or the
users whose calls are counted (``users``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import Field

from ecomind.identity import IdentityStore, Membership, Principal, Role, Scope
from platform_api.administration.frame import (
    CREATED,
    FOUND,
    GONE,
    MAKES,
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
from platform_api.administration.users import USER_ID
from platform_api.callers import Holding, guarded
from platform_api.problems import Refused
from platform_api.service import ServiceOf

router = guarded(TAG)
PersonId = Annotated[str, in_path("Id of a person.", "p_1f0e2d3c4b5a6978", r"^p_[0-9a-f]{16}$")]
Administers = Annotated[Principal, Depends(Holding(Scope.ADMIN_MEMBERS))]
Sets = Annotated[Principal, Depends(Holding(Scope.ADMIN_MEMBERS, freshly="member.set"))]
Removes = Annotated[Principal, Depends(Holding(Scope.ADMIN_MEMBERS, freshly="member.remove"))]
OwnRows = Annotated[str, Field(pattern=USER_ID)]
MemberRole = Annotated[
    Role, Field(json_schema_extra={"enum": ["owner", "admin", "analyst", "viewer", "billing"]})
]


class Member(Document):
    """A person in the organisation; ``user_id`` is the pseudonym whose rows are their own.

    ``display_name`` is what the organisation called them when it invited them, and
    ``has_signed_in`` says that they have come to it; what other organisations know of them is
    nowhere.
    """

    model_config = example(
        {
            "person_id": "p_1f0e2d3c4b5a6978",
            "email": "ada@example.org",
            "display_name": "Ada Okafor",
            "issuer": "https://login.example.org",
            "role": "analyst",
            "user_id": None,
            "has_signed_in": True,
            "is_disabled": False,
            "created_at": "2026-11-21T09:00:00Z",
        }
    )

    person_id: str
    email: str | None
    display_name: str
    issuer: str
    role: str
    user_id: str | None
    has_signed_in: bool
    is_disabled: bool
    created_at: datetime


class Members(Document):
    """Members, the oldest first."""

    data: list[Member]


class NewMember(Document):
    """A person by their address at an identity provider, who becomes a member."""

    model_config = example(
        {
            "email": "ada@example.org",
            "display_name": "Ada Okafor",
            "issuer": "https://login.example.org",
            "role": "analyst",
        }
    )

    email: Annotated[str, Field(pattern=r"^[^@\s,;<>\"\x00]{1,64}@[A-Za-z0-9.-]{1,253}$")]
    display_name: Name
    issuer: Annotated[str, Field(pattern=r"^[^\x00-\x20]{1,512}$")]
    role: MemberRole
    user_id: OwnRows | None = None


class MemberChange(Document):
    """What to change; members not named stay as they are."""

    model_config = example({"role": "viewer"})

    role: MemberRole | None = None
    user_id: OwnRows | None = None


def _told(membership: Membership) -> dict[str, Any]:
    person = membership.person
    return {
        "person_id": person.person_id,
        "email": person.email,
        "display_name": membership.display_name,
        "issuer": person.issuer,
        "role": membership.role.value,
        "user_id": membership.user_id,
        "has_signed_in": membership.has_come,
        "is_disabled": membership.has_come and person.disabled_at is not None,
        "created_at": membership.created_at,
    }


def _one(store: IdentityStore, org_id: str, person_id: str) -> Membership:
    for membership in store.people.members(org_id):
        if membership.person.person_id == person_id:
            return membership
    raise Refused("not-found")


@router.get("/v1/members", summary="People of the organisation", response_model=Members)
def members(service: ServiceOf, principal: Administers) -> Response:
    """Every member."""
    return listed([_told(each) for each in service.store.people.members(principal.org_id)])


@router.get(
    "/v1/members/{person_id}", summary="A member", response_model=Member, responses=dict(FOUND)
)
def member(service: ServiceOf, principal: Administers, person_id: PersonId) -> Response:
    """One member."""
    return single(_told(_one(service.store, principal.org_id, person_id)))


@router.post(
    "/v1/members",
    summary="Invite a person",
    description="They are a member from the first time they sign in with this address. Only an "
    "owner makes owners.",
    status_code=201,
    response_model=Member,
    responses=CREATED,
    openapi_extra=MAKES,
)
def create_member(service: ServiceOf, principal: Sets, new: NewMember) -> Response:
    """Invite somebody, or make a person who is known already a member."""
    org_id = principal.org_id
    with changing(service, principal) as store:
        person_id = store.people.invite(
            org_id,
            new.issuer,
            new.email,
            display_name=new.display_name,
            role=new.role,
            user_id=new.user_id,
        )
        found = _told(_one(store, org_id, person_id))
    return single(found, status=201, location=f"/v1/members/{person_id}")


@router.patch(
    "/v1/members/{person_id}",
    summary="Change what a person is in the organisation",
    response_model=Member,
    responses=dict(FOUND),
    openapi_extra=MATCHES,
)
def change_member(
    request: Request,
    service: ServiceOf,
    principal: Sets,
    person_id: PersonId,
    change: MemberChange,
) -> Response:
    """Change role and own rows."""
    org_id = principal.org_id
    with changing(service, principal) as store:
        found = _one(store, org_id, person_id)
        check_match(request, _told(found))
        user_id = change.user_id if "user_id" in change.model_fields_set else found.user_id
        store.people.set_member(org_id, person_id, change.role or found.role, user_id)
        document = _told(_one(store, org_id, person_id))
    return single(document)


@router.delete(
    "/v1/members/{person_id}",
    summary="End a membership",
    description="It holds from the person's next request on. The last owner stays.",
    status_code=204,
    response_class=Response,
    responses=GONE,
    openapi_extra=MATCHES,
)
def delete_member(
    request: Request, service: ServiceOf, principal: Removes, person_id: PersonId
) -> Response:
    """End one."""
    with changing(service, principal) as store:
        check_match(request, _told(_one(store, principal.org_id, person_id)))
        store.people.remove_member(principal.org_id, person_id)
    return done()
