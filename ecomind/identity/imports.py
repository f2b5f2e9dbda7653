"""Bulk imports: which parts were received, so that an interrupted one resumes.

Belongs here: sessions, their numbered parts and the answer to each. Does not belong here: events,
which never pass through the control store.

A number is bound to its bytes before they are stored and answered after, so a part that was cut
off in between is stored when it comes again; its events keep their ids and count once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ecomind.identity.changes import Changes
from ecomind.identity.tables import ImportPartRow, ImportSessionRow


class PartDiffers(Exception):
    """The part's number stands for other bytes."""


class ImportClosed(Exception):
    """The import is complete and takes no more parts."""


@dataclass(frozen=True, slots=True)
class ImportInfo:
    """A session; ``name`` is what its maker called it."""

    import_id: str
    name: str | None
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PartInfo:
    """A stored part, the fingerprint of its bytes and its items by what became of them."""

    number: int
    sha256: str
    accepted: int
    duplicate: int
    rejected: int


def _info(row: ImportSessionRow) -> ImportInfo:
    return ImportInfo(row.import_id, row.name, row.created_at, row.completed_at)


class ImportStore:
    """The imports of the control store."""

    def __init__(self, changes: Changes) -> None:
        """Read and note through ``changes``."""
        self._changes = changes

    def create(self, import_id: str, org_id: str, key_id: str, name: str | None) -> ImportInfo:
        """Begin an import."""
        row = ImportSessionRow(
            import_id=import_id,
            org_id=org_id,
            key_id=key_id,
            name=name,
            created_at=datetime.now(UTC),
            completed_at=None,
        )
        with self._changes.note() as session:
            session.add(row)
            return _info(row)

    def find(self, org_id: str, import_id: str) -> ImportInfo | None:
        """An import of the organisation, or None."""
        with self._changes.read() as session:
            row = session.get(ImportSessionRow, import_id)
            return None if row is None or row.org_id != org_id else _info(row)

    def parts(self, import_id: str) -> list[PartInfo]:
        """Stored parts by number."""
        part = ImportPartRow
        query = (
            select(part.number, part.sha256, part.accepted, part.duplicate, part.rejected)
            .where(part.import_id == import_id, part.answer.is_not(None))
            .order_by(part.number)
        )
        with self._changes.read() as session:
            return [PartInfo(*row) for row in session.execute(query)]

    def claim(self, import_id: str, number: int, sha256: str) -> str | None:
        """Bind a number to its bytes; the answer, if these were stored already.

        Raises ``PartDiffers`` or ``ImportClosed``.
        """
        with self._changes.note() as session:
            is_complete = _lock(session, import_id)
            row = session.get(ImportPartRow, (import_id, number))
            if row is not None and row.sha256 != sha256:
                raise PartDiffers
            if row is not None and row.answer is not None:
                return row.answer
            if is_complete:
                raise ImportClosed
            if row is None:
                session.add(ImportPartRow(import_id=import_id, number=number, sha256=sha256))
        return None

    def release(self, import_id: str, number: int) -> None:
        """Unbind a number of which nothing was stored."""
        part = ImportPartRow
        with self._changes.note() as session:
            session.execute(
                delete(part).where(
                    part.import_id == import_id, part.number == number, part.answer.is_(None)
                )
            )

    def record(self, import_id: str, part: PartInfo, answer: str) -> None:
        """Keep the answer to a part whose items are stored."""
        values = {"sha256": part.sha256, "answer": answer, "accepted": part.accepted,
                  "duplicate": part.duplicate, "rejected": part.rejected}  # fmt: skip
        row = ImportPartRow
        with self._changes.note() as session:
            _lock(session, import_id)
            found = session.execute(
                update(row)
                .where(row.import_id == import_id, row.number == part.number)
                .values(**values)
                .returning(row.number)
            ).first()
            if found is None:  # The same bytes came twice at once, and one try was refused.
                session.add(ImportPartRow(import_id=import_id, number=part.number, **values))

    def prune(self, org_id: str, before: datetime) -> int:
        """Forget imports that were completed before a time, and their answers; how many."""
        row, part = ImportSessionRow, ImportPartRow
        aged = row.org_id == org_id, row.completed_at.is_not(None), row.completed_at < before
        with self._changes.note() as session:
            names = session.scalars(select(row.import_id).where(*aged)).all()
            session.execute(delete(part).where(part.import_id.in_(names)))
            session.execute(delete(row).where(row.import_id.in_(names)))
        return len(names)

    def complete(self, import_id: str, parts: int) -> tuple[list[int], list[int]]:
        """End an import of ``parts`` parts; the numbers missing, and those that should not be.

        It ends only when both are empty; ending it again is harmless.
        """
        with self._changes.note() as session:
            is_complete = _lock(session, import_id)
            part = ImportPartRow
            query = select(part.number, part.answer.is_not(None)).where(part.import_id == import_id)
            stored = {number: is_stored for number, is_stored in session.execute(query)}
            missing = [n for n in range(1, parts + 1) if not stored.get(n)]
            beyond = sorted(n for n in stored if n > parts)
            if not missing and not beyond and not is_complete:
                session.execute(
                    update(ImportSessionRow)
                    .where(ImportSessionRow.import_id == import_id)
                    .values(completed_at=datetime.now(UTC))
                )
            return missing, beyond


def _lock(session: Session, import_id: str) -> bool:
    """Hold an import until the transaction ends; whether it is complete."""
    # Writing locks on every database; SQLite knows no lock for reading.
    row = ImportSessionRow
    found = session.execute(
        update(row)
        .where(row.import_id == import_id)
        .values(import_id=row.import_id)
        .returning(row.completed_at)
    ).one()
    return found[0] is not None
