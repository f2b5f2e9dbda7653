"""What every request needs at hand.

Belongs here: the service's parts and how a request finds them. Does not belong here: what they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from ecomind.identity import IdentityStore
from ecomind.settings import Settings
from ecomind.warehouse.held import Snapshots


@dataclass(frozen=True)
class Service:
    """The parts of a running service."""

    settings: Settings
    store: IdentityStore
    snapshots: Snapshots


async def _of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(_of)]
