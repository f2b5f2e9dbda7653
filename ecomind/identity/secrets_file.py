"""Secrets of the installation, each in a file that only its owner can read.

Belongs here: creating and reading them. Does not belong here: secrets of an organisation's
members, which exist only as hashes in the control store.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ecomind.errors import EcoMindError

_SECRET_BYTES = 32


class SecretUnusable(EcoMindError):
    """A secret's file exists but cannot serve; says why in one sentence."""


def installation_secret(folder: Path, name: str) -> bytes:
    """The named secret (32 bytes), created on first use; safe when two processes race.

    Raises ``SecretUnusable`` when the file was cut short, rather than replacing a secret on
    which stored hashes and pseudonyms depend.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        _create(path)
    secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        message = f"the secret {path} is damaged; restore it from a backup"
        raise SecretUnusable(message)
    return secret


def _create(path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_SECRET_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(temporary, path)  # Fails when another process was first: theirs stays.
    except FileExistsError:
        return
    finally:
        temporary.unlink()
