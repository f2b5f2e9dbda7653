"""What a record of the log says: a receipt, and the rows that were received under it.

Belongs here: putting a request's rows into one payload, and taking them apart again. Does not
belong here: the record around a payload (``frame``), or columns (``parquet``).

A payload is ``<receipt><separator><row><separator><row>...``, on one line. A request is one record
per kind of row, so what is the same in all its rows is written, checked and read once. Receipt and
rows are JSON objects. Many events of a request are written shorter: after the receipt come the
names of their fields as a JSON array, and each row is its values as JSON, in that order and with
commas between them; reading those costs a fraction. Either way, a row of an event may leave out
fields that hold the contract's default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

SEPARATOR = b"\x1e"
"""A control character, which JSON holds only in escaped form."""

_as_object = msgspec.json.Decoder(dict[str, Any]).decode
_as_names = msgspec.json.Decoder(list[str]).decode
_as_values = msgspec.json.Decoder(list[Any]).decode


def payload(receipt: bytes, rows: Iterable[bytes]) -> bytes:
    """The payload of rows under a receipt; rows of values come after the names of their fields."""
    return SEPARATOR.join((receipt, *rows))


def of_lines(lines: bytes) -> bytes:
    """Rows that come as lines, as ``payload`` takes them."""
    return lines.replace(b"\n", SEPARATOR)


class Parts(msgspec.Struct, frozen=True):
    """A payload taken apart: receipt, ``names`` of the fields of rows of values, rows as lines.

    ``names`` is empty for rows that are objects; ``count`` is how many rows there are.
    """

    receipt: bytes
    names: bytes
    lines: bytes
    count: int

    @property
    def field_names(self) -> list[str]:
        """The fields of rows of values. Raises ``msgspec.DecodeError``."""
        return _as_names(self.names)

    def objects(self, needle: bytes) -> Iterator[dict[str, Any]]:
        """Rows that hold ``needle``, or all if the receipt does, each with what the receipt says.

        Raises ``msgspec.DecodeError``.
        """
        told = _as_object(self.receipt)
        is_any = needle in self.receipt
        names = self.field_names if self.names else None
        for row in self.lines.split(b"\n"):
            if not is_any and needle not in row:
                continue
            if names is None:
                yield {**told, **_as_object(row)}
                continue
            values = zip(names, _as_values(b"[%b]" % row), strict=True)
            yield {**told, **{name: value for name, value in values if value is not None}}


def _split(payload: bytes) -> tuple[bytes, bytes, bytes]:
    """Receipt, names (empty for objects) and rows."""
    receipt, _, rows = payload.partition(SEPARATOR)
    if not rows.startswith(b"["):
        return receipt, b"", rows
    names, _, rows = rows.partition(SEPARATOR)
    return receipt, names, rows


def parts(payload: bytes) -> Parts:
    """A payload taken apart."""
    receipt, names, rows = _split(payload)
    count = rows.count(SEPARATOR) + 1 if rows else 0
    return Parts(receipt, names, rows.replace(SEPARATOR, b"\n"), count)


def halves(payload: bytes) -> list[bytes]:
    """Two payloads with half of the rows each; one of a single row stays as it is."""
    *_, rows = _split(payload)
    cut = rows.find(SEPARATOR, len(rows) // 2)
    cut = rows.rfind(SEPARATOR) if cut < 0 else cut
    if cut < 0:
        return [payload]
    head = payload[: len(payload) - len(rows)]
    return [head + rows[:cut], head + rows[cut + 1 :]]
