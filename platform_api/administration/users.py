"""``/v1/users``: who an organisation's pseudonyms are, and which team they are in.

Belongs here: the directory of those whose calls are counted. Does not belong here: people who sign
in (``members``), or erasing somebody's traces (the privacy jobs).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import Field

from ecomind.identity import IdentityStore, Principal, Scope
from platform_api.administration.frame import (
    CREATED,
    FOUND,
    GONE,
    MAKES,
    MATCHES,
    TAG,
    Document,
    Identifier,
    Name,
    changing,
    check_match,
    done,
    example,
    in_path,
    listed,
    only,
    single,
)
from platform_api.callers import Holding, guarded
from platform_api.problems import wrong_member
from platform_api.service import ServiceOf

router = guarded(TAG)
USER_ID = r"^[^\x00-\x20/?#\x7f]{1,128}$"
UserId = Annotated[
    str, in_path("Pseudonym of a user.", "u_0f343b0931126a20f133d67c2b018a3b", USER_ID)
]
Reads = Annotated[Principal, Depends(Holding(Scope.PEOPLE_READ))]
Administers = Annotated[Principal, Depends(Holding(Scope.ADMIN_MEMBERS))]
PAGE_MAX = 10_000
_EXAMPLE = {
    "user_id": "u_0f343b0931126a20f133d67c2b018a3b",
    "display_name": "Ada Okafor",
    "team_id": "research",
}


class User(Document):
    """A user under the pseudonym their calls carry."""

    model_config = example(_EXAMPLE)

    user_id: str
    display_name: str
    team_id: str | None


class Users(Document):
    """Users by pseudonym; ``next_after`` is set if more follow."""

    data: list[User]
    next_after: str | None


class NewUser(Document):
    """A user by the id their calls are sent with, which is hashed and not kept."""

    model_config = example(
        {"user_ref": "ada@example.org", "display_name": "Ada Okafor", "team_id": "research"}
    )

    user_ref: Annotated[str, Field(min_length=1, max_length=512)]
    display_name: Name
    team_id: Identifier | None = None


class UserChange(Document):
    """What to change; members not named stay as they are, ``team_id`` null takes the team away."""

    model_config = example({"team_id": None})

    display_name: Name | None = None
    team_id: Identifier | None = None


def _check_team(store: IdentityStore, principal: Principal, team_id: str | None) -> None:
    known = {row["team_id"] for row in store.directory.teams(principal.org_id)}
    if team_id is not None and team_id not in known:
        raise wrong_member("#/team_id", "is no team of the organisation")


@router.get("/v1/users", summary="Users of the organisation", response_model=Users)
def users(
    service: ServiceOf,
    principal: Reads,
    after: Annotated[str | None, Query(max_length=128, description="`next_after` before.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 1_000,
) -> Response:
    """Users by pseudonym."""
    rows = [
        only([row], "user_id", row["user_id"])
        for row in service.store.directory.users(principal.org_id)
        if after is None or row["user_id"] > after
    ]
    more = rows[limit - 1]["user_id"] if len(rows) > limit else None
    return listed(rows[:limit], next_after=more)


@router.get("/v1/users/{user_id}", summary="A user", response_model=User, responses=dict(FOUND))
def user(service: ServiceOf, principal: Reads, user_id: UserId) -> Response:
    """One user."""
    return single(only(service.store.directory.users(principal.org_id), "user_id", user_id))


@router.post(
    "/v1/users",
    summary="Name a user",
    status_code=201,
    response_model=User,
    responses=CREATED,
    openapi_extra=MAKES,
)
def create_user(service: ServiceOf, principal: Administers, new: NewUser) -> Response:
    """Add one."""
    with changing(service, principal) as store:
        _check_team(store, principal, new.team_id)
        user_id = store.directory.create_user(
            principal.org_id, new.user_ref, new.display_name, new.team_id
        )
    document = {"user_id": user_id, "display_name": new.display_name, "team_id": new.team_id}
    return single(document, status=201, location=f"/v1/users/{user_id}")


@router.patch(
    "/v1/users/{user_id}",
    summary="Rename a user or change their team",
    response_model=User,
    responses=dict(FOUND),
    openapi_extra=MATCHES,
)
def change_user(
    request: Request,
    service: ServiceOf,
    principal: Administers,
    user_id: UserId,
    change: UserChange,
) -> Response:
    """Change name and team."""
    with changing(service, principal) as store:
        found = only(store.directory.users(principal.org_id), "user_id", user_id)
        check_match(request, found)
        named = change.model_dump(exclude_unset=True)
        wanted = {**found, **{k: v for k, v in named.items() if k == "team_id" or v is not None}}
        _check_team(store, principal, wanted["team_id"])
        store.directory.change_user(
            principal.org_id, user_id, wanted["display_name"], wanted["team_id"]
        )
    return single(wanted)


@router.delete(
    "/v1/users/{user_id}",
    summary="Forget who a pseudonym is",
    description="Takes the name and team away; the calls stay counted. To erase somebody's traces, "
    "ask for an erasure.",
    status_code=204,
    response_class=Response,
    responses=GONE,
    openapi_extra=MATCHES,
)
def delete_user(
    request: Request, service: ServiceOf, principal: Administers, user_id: UserId
) -> Response:
    """Forget one."""
    with changing(service, principal) as store:
        check_match(request, only(store.directory.users(principal.org_id), "user_id", user_id))
        store.directory.delete_user(principal.org_id, user_id)
    return done()
