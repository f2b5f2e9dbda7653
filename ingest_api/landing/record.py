"""What a record of the log says: a receipt, and the rows that were received under it.

Belongs here: putting a request's rows into one payload, and taking them apart again. Does not
belong here: the record around a payload (``frame``), or columns (``parquet``).

A payload is ``<receipt><separator><row><separator><row>...``, all of them JSON objects on one line.
A request is one record per kind of row, so what is the same in all its rows is written, checked
and read once. A row of an event leaves out fields that hold the contract's default.
"""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = b"\x1e"
"""A control character, which JSON holds only in escaped form."""


def payload(receipt: bytes, rows: Iterable[bytes]) -> bytes:
    """The payload of rows under a receipt."""
    return SEPARATOR.join((receipt, *rows))


def of_lines(lines: bytes) -> bytes:
    """Rows that come as lines, as ``payload`` takes them."""
    return lines.replace(b"\n", SEPARATOR)


def parts(payload: bytes) -> tuple[bytes, bytes, int]:
    """A payload's receipt, its rows as lines, and how many those are."""
    receipt, _, rows = payload.partition(SEPARATOR)
    count = rows.count(SEPARATOR) + 1 if rows else 0
    return receipt, rows.replace(SEPARATOR, b"\n"), count


def halves(payload: bytes) -> list[bytes]:
    """Two payloads with half of the rows each; one of a single row stays as it is."""
    receipt, _, rows = payload.partition(SEPARATOR)
    cut = rows.find(SEPARATOR, len(rows) // 2)
    cut = rows.rfind(SEPARATOR) if cut < 0 else cut
    if cut < 0:
        return [payload]
    return [receipt + SEPARATOR + rows[:cut], receipt + rows[cut:]]
