"""The address of the landing zone, taken apart.

Belongs here: which addresses there are and what is wrong with others. Does not belong here:
reaching what they name (``landing_zone``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place in S3-compatible object storage; ``prefix`` has no slash at its ends."""

    name: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")


def parse(url: str) -> Path | Bucket:
    """The folder or bucket an address names.

    Raises ``ValueError`` with one sentence, which never repeats the address: it may hold a secret.
    """
    if "://" not in url:
        return _folder(url)
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise ValueError("credentials do not belong into the address: use AWS_ACCESS_KEY_ID etc.")
    if parts.query or parts.fragment:
        raise ValueError("the address takes no options after ? or #: use AWS_* variables")
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return _folder(unquote(parts.path))
    if parts.scheme == "s3" and parts.netloc:
        return Bucket(parts.netloc, unquote(parts.path).strip("/"))
    raise ValueError("the address is a folder, file:///folder or s3://bucket/prefix")


def _folder(text: str) -> Path:
    folder = Path(text).expanduser()
    if not folder.is_absolute():
        raise ValueError("a folder is given from the root on, as in /srv/landing")
    return folder
