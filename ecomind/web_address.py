"""Which web addresses may be talked to with something that must stay secret.

Belongs here: judging an address by its text. Does not belong here: reaching it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_safe_address(url: str) -> bool:
    """Whether an address is HTTPS, or HTTP to this machine itself, and holds no credential."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
