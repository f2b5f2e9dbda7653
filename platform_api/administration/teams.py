"""``/v1/teams``: the teams of an organisation.

Belongs here: their ids and names. Does not belong here: who is in one (``users``).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from ecomind.identity import Principal, Scope
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
from platform_api.service import ServiceOf

router = guarded(TAG)
TeamId = Annotated[str, in_path("Id of a team.", "research")]
Reads = Annotated[Principal, Depends(Holding(Scope.MARTS_READ))]
Administers = Annotated[Principal, Depends(Holding(Scope.ADMIN_MEMBERS))]


class Team(Document):
    """A team; its id is what events and figures name."""

    model_config = example({"team_id": "research", "name": "Research"})

    team_id: Identifier
    name: Name


class Teams(Document):
    """Teams by id."""

    data: list[Team]


class TeamChange(Document):
    """A team's new name."""

    model_config = example({"name": "Research and design"})

    name: Name


@router.get("/v1/teams", summary="Teams of the organisation", response_model=Teams)
def teams(service: ServiceOf, principal: Reads) -> Response:
    """Every team."""
    rows = service.store.directory.teams(principal.org_id)
    return listed([only([row], "team_id", row["team_id"]) for row in rows])


@router.get("/v1/teams/{team_id}", summary="A team", response_model=Team, responses=dict(FOUND))
def team(service: ServiceOf, principal: Reads, team_id: TeamId) -> Response:
    """One team."""
    return single(only(service.store.directory.teams(principal.org_id), "team_id", team_id))


@router.post(
    "/v1/teams",
    summary="Add a team",
    status_code=201,
    response_model=Team,
    responses=CREATED,
    openapi_extra=MAKES,
)
def create_team(service: ServiceOf, principal: Administers, new: Team) -> Response:
    """Add one."""
    with changing(service, principal) as store:
        store.directory.create_team(principal.org_id, new.team_id, new.name)
    return single(new.model_dump(), status=201, location=f"/v1/teams/{new.team_id}")


@router.patch(
    "/v1/teams/{team_id}",
    summary="Rename a team",
    response_model=Team,
    responses=dict(FOUND),
    openapi_extra=MATCHES,
)
def change_team(
    request: Request,
    service: ServiceOf,
    principal: Administers,
    team_id: TeamId,
    change: TeamChange,
) -> Response:
    """Change its name."""
    with changing(service, principal) as store:
        check_match(request, only(store.directory.teams(principal.org_id), "team_id", team_id))
        store.directory.rename_team(principal.org_id, team_id, change.name)
    return single({"team_id": team_id, "name": change.name})


@router.delete(
    "/v1/teams/{team_id}",
    summary="Remove a team that has no users",
    status_code=204,
    response_class=Response,
    responses=GONE,
    openapi_extra=MATCHES,
)
def delete_team(
    request: Request, service: ServiceOf, principal: Administers, team_id: TeamId
) -> Response:
    """Remove one."""
    with changing(service, principal) as store:
        check_match(request, only(store.directory.teams(principal.org_id), "team_id", team_id))
        store.directory.delete_team(principal.org_id, team_id)
    return done()
