"""``/v1/keys``: the API keys of an organisation.

Belongs here: making, rotating, revoking and listing them; a secret is in one answer only. Does not
belong here: what a key may do (``ecomind.identity.permissions``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Body, Depends, Request, Response
from pydantic import AfterValidator, AwareDatetime, Field

from ecomind.identity import KeyInfo, Principal, Role, Scope
from platform_api.administration.frame import (
    CREATED,
    FOUND,
    GONE,
    MAKES,
    MATCHES,
    PRINTED,
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
from platform_api.service import ServiceOf

router = guarded(TAG)
KeyId = Annotated[str, in_path("Id of a key.", "V1StGXR8", r"^[0-9A-Za-z]{8}$")]
Administers = Annotated[Principal, Depends(Holding(Scope.ADMIN_KEYS))]
Creates = Annotated[Principal, Depends(Holding(Scope.ADMIN_KEYS, freshly="key.create"))]
Rotates = Annotated[Principal, Depends(Holding(Scope.ADMIN_KEYS, freshly="key.rotate"))]
Revokes = Annotated[Principal, Depends(Holding(Scope.ADMIN_KEYS, freshly="key.revoke"))]
LONGEST = timedelta(days=36_500)
GRACE_MAX_H = 24 * 30


def _to_come(value: datetime) -> datetime:
    """Refuse times that are past, or so far away that no calendar holds them."""
    now = datetime.now(UTC)
    if not now < value.replace(tzinfo=UTC) < now + LONGEST:
        raise ValueError("lies between now and a hundred years from now")
    return value


class Key(Document):
    """An API key, without its secret."""

    key_id: str
    name: str
    role: str
    state: Annotated[str, Field(json_schema_extra={"enum": ["active", "revoked", "expired"]})]
    scopes: list[str] | None
    origins: list[str]
    networks: list[str]
    events_per_min: int | None
    project_id: str | None
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    rotated_at: datetime | None
    previous_until: datetime | None
    last_used_at: datetime | None


class KeyWithSecret(Key):
    """A key with its text, which no later answer holds."""

    key: str


class Keys(Document):
    """Keys, the oldest first."""

    data: list[Key]


class NewKey(Document):
    """A key to make.

    ``scopes`` narrow the role, ``networks`` (CIDR) say where it may be used from, ``project_id``
    which one project its events are of; ``origins`` belong to the role browser.
    """

    model_config = example({"role": "ingest", "name": "gateway", "networks": ["192.0.2.0/24"]})

    role: Role
    name: Name
    expires_at: Annotated[AwareDatetime, AfterValidator(_to_come)] | None = None
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=64)] | None = None
    origins: Annotated[list[str], Field(max_length=16, default_factory=list)]
    networks: Annotated[list[str], Field(max_length=64, default_factory=list)]
    events_per_min: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    project_id: Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTED)] | None = None


class Rotation(Document):
    """How long the secret before goes on opening."""

    model_config = example({"grace_hours": 24})

    grace_hours: Annotated[float, Field(ge=0, le=GRACE_MAX_H, allow_inf_nan=False)] = 24


def _sorted(values: Sequence[str] | frozenset[Scope] | None) -> list[str] | None:
    return None if values is None else sorted(str(each) for each in values)


def _told(info: KeyInfo) -> dict[str, Any]:
    return {
        "key_id": info.key_id,
        "name": info.name,
        "role": info.role.value,
        "state": info.state(datetime.now(UTC)),
        "scopes": _sorted(info.scopes),
        "origins": list(info.origins),
        "networks": list(info.networks),
        "events_per_min": info.events_per_min,
        "project_id": info.project_id,
        "created_at": info.created_at,
        "created_by": info.created_by,
        "expires_at": info.expires_at,
        "revoked_at": info.revoked_at,
        "rotated_at": info.rotated_at,
        "previous_until": info.previous_until,
        "last_used_at": info.last_used_at,
    }


def _state(info: KeyInfo) -> dict[str, Any]:
    """What a change is held against: all but when the key was used."""
    return {**_told(info), "last_used_at": None}


@router.get("/v1/keys", summary="Keys of the organisation", response_model=Keys)
def keys(service: ServiceOf, principal: Administers) -> Response:
    """Every key, also revoked ones."""
    return listed([_told(info) for info in service.store.keys.listed(principal.org_id)])


@router.get("/v1/keys/{key_id}", summary="A key", response_model=Key, responses=dict(FOUND))
def key(service: ServiceOf, principal: Administers, key_id: KeyId) -> Response:
    """One key."""
    info = service.store.keys.get(principal.org_id, key_id)
    return single(_told(info), tagged=_state(info))


@router.post(
    "/v1/keys",
    summary="Make a key",
    description="`key` is its text and is in this answer only. Only an owner makes an owner's key, "
    "and a narrowed key none that may do more than it.",
    status_code=201,
    response_model=KeyWithSecret,
    responses=CREATED,
    openapi_extra=MAKES,
)
def create_key(service: ServiceOf, principal: Creates, new: NewKey) -> Response:
    """Make one."""
    with changing(service, principal) as store:
        text, info = store.keys.create(
            principal.org_id,
            new.role,
            new.name,
            new.expires_at,
            origins=new.origins,
            events_per_min=new.events_per_min,
            scopes=None if new.scopes is None else [scope.value for scope in new.scopes],
            networks=new.networks,
            project_id=new.project_id,
        )
    document = {**_told(info), "key": text}
    location = f"/v1/keys/{info.key_id}"
    return single(document, status=201, location=location, tagged=_state(info))


@router.post(
    "/v1/keys/{key_id}/rotate",
    summary="Give a key a new secret",
    description="`key` is its new text and is in this answer only. The text before goes on opening "
    "for `grace_hours`.",
    response_model=KeyWithSecret,
    responses=dict(FOUND),
    openapi_extra=MATCHES,
)
def rotate_key(
    request: Request,
    service: ServiceOf,
    principal: Rotates,
    key_id: KeyId,
    rotation: Annotated[Rotation, Body()],
) -> Response:
    """Rotate one."""
    with changing(service, principal) as store:
        check_match(request, _state(store.keys.get(principal.org_id, key_id)))
        grace = timedelta(hours=rotation.grace_hours)
        text, info = store.keys.rotate(principal.org_id, key_id, grace)
    return single({**_told(info), "key": text}, tagged=_state(info))


@router.delete(
    "/v1/keys/{key_id}",
    summary="Revoke a key",
    description="Ends all its secrets now; revoking twice is harmless.",
    status_code=204,
    response_class=Response,
    responses=GONE,
    openapi_extra=MATCHES,
)
def revoke_key(request: Request, service: ServiceOf, principal: Revokes, key_id: KeyId) -> Response:
    """Revoke one."""
    with changing(service, principal) as store:
        check_match(request, _state(store.keys.get(principal.org_id, key_id)))
        store.keys.revoke(principal.org_id, key_id)
    return done()
