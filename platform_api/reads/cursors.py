"""Where a page ended, as a text the client hands back.

Belongs here: writing and reading cursors. Does not belong here: paging itself.

A cursor holds the snapshot its pages are of, so that all pages of one walk show the same figures,
and a mark of the question, so that it is of no use for another. It gives no rights: whoever sends
it is asked for a credential like everybody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import date

from ecomind.warehouse.daily import Position
from platform_api.problems import wrong_parameter

_LENGTH_MAX = 2000
_WRONG = "is not the cursor of a page of this very question"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A snapshot and the last row of a page of it."""

    snapshot_id: str
    position: Position


def _mark(question: object) -> str:
    return hashlib.sha256(str(question).encode()).hexdigest()[:16]


def write(cursor: Cursor, question: object) -> str:
    """The text of a cursor of ``question``."""
    day, keys = cursor.position
    told = json.dumps([_mark(question), cursor.snapshot_id, day.isoformat(), *keys])
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def read(text: str, question: object, keys: int) -> Cursor:
    """A cursor of ``question`` with so many keys. Raises ``Refused`` naming the parameter."""
    wrong = wrong_parameter("cursor", _WRONG)
    if len(text) > _LENGTH_MAX:
        raise wrong
    try:
        told = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(told, list) or len(told) != 3 + keys or told[0] != _mark(question):
            raise wrong
        if not all(isinstance(each, str) for each in told):
            raise wrong
        return Cursor(told[1], (date.fromisoformat(told[2]), tuple(told[3:])))
    except (binascii.Error, UnicodeError, ValueError, RecursionError) as error:
        raise wrong from error
