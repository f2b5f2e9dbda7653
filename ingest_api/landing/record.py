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
from itertools import islice
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
    """Payloads of one form taken apart: receipts as lines, rows as lines, and how many of each.

    ``names`` is of rows of values, and empty for rows that are objects.
    """

    names: bytes
    receipts: bytes
    rows: bytes
    counts: list[int]

    @property
    def field_names(self) -> list[str]:
        """The fields of rows of values. Raises ``msgspec.DecodeError``."""
        return _as_names(self.names)

    def objects(self, needle: bytes) -> Iterator[dict[str, Any]]:
        """Rows that hold ``needle``, or whose receipt does, each with what its receipt says.

        Raises ``msgspec.DecodeError``.
        """
        rows = iter(self.rows.split(b"\n"))
        for receipt, count in zip(self.receipts.split(b"\n"), self.counts, strict=True):
            for row in islice(rows, count):
                if needle in row or needle in receipt:
                    yield {**_as_object(receipt), **self._object(row)}

    def _object(self, row: bytes) -> dict[str, Any]:
        if not self.names:
            return _as_object(row)
        values = zip(self.field_names, _as_values(b"[%b]" % row), strict=True)
        return {name: value for name, value in values if value is not None}


def _split(payload: bytes) -> tuple[bytes, bytes, bytes]:
    """Receipt, names (empty for objects) and rows."""
    receipt, _, rows = payload.partition(SEPARATOR)
    if not rows.startswith(b"["):
        return receipt, b"", rows
    names, _, rows = rows.partition(SEPARATOR)
    return receipt, names, rows


def parts(payloads: Iterable[bytes]) -> list[Parts]:
    """Payloads taken apart, those of the same form together and in their order."""
    forms: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for payload in payloads:
        receipt, names, rows = _split(payload)
        forms.setdefault(names, []).append((receipt, rows))
    return [
        Parts(
            names,
            b"\n".join([receipt for receipt, _ in some]),
            b"\n".join([rows for _, rows in some]).replace(SEPARATOR, b"\n"),
            [rows.count(SEPARATOR) + 1 if rows else 0 for _, rows in some],
        )
        for names, some in forms.items()
    ]


def halves(payload: bytes) -> list[bytes]:
    """Two payloads with half of the rows each; one of a single row stays as it is."""
    *_, rows = _split(payload)
    cut = rows.find(SEPARATOR, len(rows) // 2)
    cut = rows.rfind(SEPARATOR) if cut < 0 else cut
    if cut < 0:
        return [payload]
    head = payload[: len(payload) - len(rows)]
    return [head + rows[:cut], head + rows[cut + 1 :]]
