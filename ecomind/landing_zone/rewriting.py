"""Rewriting landed files in place: the one exception to files that never change.

Belongs here: reading a file, changing its rows and putting it back under its name, whole or not at
all. Does not belong here: which rows change (erasure and retention decide).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from ecomind.landing_zone.listing import LandedFile
from ecomind.landing_zone.zone import LandingZone, NotVerified

_ROW_GROUP_ROWS = 122_880
Change = Callable[[pa.Table], pa.Table | None]
"""The rows as they shall be; None leaves them as they are."""


def rewrite(zone: LandingZone, file: LandedFile, change: Change, looks_at: Sequence[str]) -> bool:
    """Replace a file's rows; whether there was anything to change.

    ``looks_at``: the columns by which ``change`` tells whether there is; only then all are read.
    A file of which no row is left is removed; one that is gone has nothing to change. Raises
    ``OSError``, ``NotVerified``, or ``pa.ArrowException`` when the file cannot be read; the file is
    then as it was.
    """
    data = zone.read(file.location)
    if data is None:
        return False
    with pq.ParquetFile(pa.BufferReader(data)) as parquet:
        if change(parquet.read(columns=list(looks_at), use_threads=False)) is None:
            return False
        changed = change(parquet.read(use_threads=False))
    if changed is None:
        return False
    if changed.num_rows == 0:
        zone.remove([file.location])
        return True
    buffer = io.BytesIO()
    pq.write_table(changed, buffer, compression="zstd", row_group_size=_ROW_GROUP_ROWS)
    new = buffer.getvalue()
    if pq.read_metadata(pa.BufferReader(new)).num_rows != changed.num_rows:
        raise NotVerified(f"{file.location} did not read back as written")
    zone.put(file.location, new)
    return True
