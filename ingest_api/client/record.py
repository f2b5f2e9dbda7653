"""What was imported before, so that importing a file again sends nothing.

Belongs here: one small file per import, begun or gone through whole. Does not belong here: deciding
what a repeat is; were a file sent again, its ids would tell the warehouse.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecomind.identity.keys import KeyText
from ecomind.warehouse.files import write_text_atomically
from ingest_api.client.mapping import Defaults
from ingest_api.client.rows import Source


class ImportRecord:
    """The record of one file, sent with one key's organisation to one address with one mapping."""

    def __init__(
        self, folder: Path, source: Source, defaults: Defaults, url: str, key: str
    ) -> None:
        """``folder`` holds the records; another file, key, address or option is another import."""
        parsed = KeyText.parse(key)
        told = [source.sha256, asdict(defaults), url, parsed.key_id if parsed else ""]
        name = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
        self._path = folder / f"{name}.json"
        self._file_name = source.path.name

    def _read(self) -> dict[str, Any]:
        if not self._path.is_file():
            return {}
        record: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        return record

    def earlier(self) -> str | None:
        """What an earlier import did, in words, or None."""
        record = self._read()
        if "imported_at" not in record:
            return None
        return (
            f"{record['accepted']:,} events on {record['imported_at'][:16].replace('T', ' ')} UTC"
        )

    def interrupted(self) -> str | None:
        """The endpoint's id of an import that was begun and not ended, or None."""
        record = self._read()
        return record.get("import_id") if "imported_at" not in record else None

    def begin(self, import_id: str) -> None:
        """Remember an import that begins."""
        self._write({"import_id": import_id})

    def forget(self) -> None:
        """Remember nothing: importing the file again sends all of it."""
        self._path.unlink(missing_ok=True)

    def write(self, accepted: int) -> None:
        """Remember an import of which every row was accepted."""
        self._write({"accepted": accepted, "imported_at": datetime.now(UTC).isoformat()})

    def _write(self, members: dict[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        record = {"file": self._file_name, **members}
        write_text_atomically(self._path, json.dumps(record) + "\n")
