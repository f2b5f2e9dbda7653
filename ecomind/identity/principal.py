"""Who asks, and who acts.

Belongs here: the two forms in which every room knows them. Does not belong here: how a credential
is checked, or what a role may do.
"""

from __future__ import annotations

import getpass
import ipaddress
import os
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ecomind.identity.permissions import MACHINES, PERMISSIONS, Role, Scope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Subject(StrEnum):
    """What kind of credential was shown."""

    KEY = "key"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, in one organisation, and what they may do there; a key or a person."""

    org_id: str
    org_name: str
    subject_id: str
    """Id of the key or of the person."""
    role: Role
    scopes: frozenset[Scope] = field(default_factory=frozenset)
    origins: frozenset[str] | None = None
    """Where a browser's key may be used from; None for all others."""
    events_per_min: int | None = None
    """The key's own limit; None is the installation's."""
    kind: Subject = Subject.KEY
    user_id: str | None = None
    """The pseudonym whose rows are the person's own."""
    is_narrowed: bool = False
    """Whether the key holds fewer scopes than its role."""
    is_suspended: bool = False
    """Whether the organisation is suspended; then there are no scopes."""
    networks: tuple[Network, ...] = ()
    """Where the key may be used from; empty is everywhere."""
    project_id: str | None = None
    """The one project the key may send for; None is any."""
    signed_in_at: datetime | None = None
    """When the person last showed who they are; None for keys."""
    hidden_people: frozenset[str] = field(default_factory=frozenset, repr=False)
    """Pseudonyms whose erasure is under way: no reader shows them any more."""

    def may(self, scope: Scope) -> bool:
        """Whether this principal holds a scope."""
        return scope in self.scopes

    @property
    def is_machine(self) -> bool:
        """Whether it sends events rather than reads or administers."""
        return self.role in MACHINES

    def admits(self, address: str) -> bool:
        """Whether the key may be used from an IP address."""
        return not self.networks or within(self.networks, address)


def within(networks: tuple[Network, ...], address: str) -> bool:
    """Whether an IP address lies in one of the networks; text that is no address does not."""
    try:
        asked = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(asked, ipaddress.IPv6Address) and asked.ipv4_mapped is not None:
        asked = asked.ipv4_mapped
    return any(asked in network for network in networks)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes the control store, as the audit log tells it.

    ``role`` and ``scopes`` bound what the actor may give to others; None: no bound, for the
    operator at the command line and for EcoMind itself.
    """

    name: str
    role: Role | None = None
    scopes: frozenset[Scope] | None = None

    @classmethod
    def of(cls, principal: Principal) -> Actor:
        """The actor behind a credential."""
        scopes = principal.scopes if principal.is_narrowed else None
        return cls(f"{principal.kind.value}:{principal.subject_id}", principal.role, scopes)

    @classmethod
    def command_line(cls) -> Actor:
        """The person at the command line, by the name the operating system knows."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # A container's user without a name.
            user = str(os.getuid())
        return cls(f"cli:{user}")

    @classmethod
    def system(cls, part: str) -> Actor:
        """A part of EcoMind that acts by itself."""
        return cls(f"system:{part}")


def operator(org_id: str) -> Principal:
    """Who reads at the command line of the machine that holds the data: may read everything."""
    return Principal(org_id, org_id, "command line", Role.OWNER, PERMISSIONS[Role.OWNER])
