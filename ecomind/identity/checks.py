"""Rules about what names and lists may hold, shared by the stores.

Belongs here: checks of single values. Does not belong here: rules that need the database.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from ecomind.identity.errors import IdentityError
from ecomind.identity.permissions import Role
from ecomind.identity.principal import Network

NAME_LENGTH = 256
_IDENTIFIER = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,63}\Z")
_ORIGIN = re.compile(r"^[a-z][a-z0-9+.-]{1,31}://[a-z0-9.-]{1,253}(:\d{1,5})?\Z")
_EMAIL = re.compile(r"^[^@\s,;<>\"]{1,64}@[A-Za-z0-9.-]{1,253}\Z")


def check_identifier(what: str, value: str) -> None:
    """Refuse an id that is not plain."""
    if not _IDENTIFIER.match(value):
        rule = (
            "lower-case letters, digits, '.', '_' and '-', at most 64, starting with one of a-z0-9"
        )
        raise IdentityError(f"{what} may hold {rule}")


def check_name(what: str, value: str) -> None:
    """Refuse a name that is too long or holds what no terminal or page should show."""
    if len(value) > NAME_LENGTH or not value.isprintable():
        raise IdentityError(f"{what} has at most {NAME_LENGTH} printable characters")


def check_email(value: str) -> None:
    """Refuse what cannot be an e-mail address."""
    if not _EMAIL.match(value):
        raise IdentityError(f"{value} is not an e-mail address")


def check_origins(role: Role, origins: Sequence[str]) -> None:
    """Refuse origins of a key that is not a browser's, and a browser's key without any."""
    if (role is Role.BROWSER) != bool(origins):
        raise IdentityError(
            "a key of the role browser names its origins, and no other key does", "origins"
        )
    for origin in origins:
        if not _ORIGIN.match(origin):
            raise IdentityError(
                f"{origin} is not an origin such as https://app.example.org or"
                " chrome-extension://abcdefghijklmnop, in lower case and without a path",
                "origins",
            )


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks in CIDR notation; a single address is a network of one."""
    networks = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as error:
            raise IdentityError(
                f"{text} is not a network such as 192.0.2.0/24 or 2001:db8::/32", "networks"
            ) from error
    return tuple(networks)
