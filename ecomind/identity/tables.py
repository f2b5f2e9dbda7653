"""The control store's relational tables.

Belongs here: SQLAlchemy models only. Does not belong here: rules about who may change them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import (
    Date,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Integer,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """A time with an offset; SQLite forgets offsets, so UTC is restored on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC before writing."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Restore UTC after reading."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Root of the control store's models."""


class OrganizationRow(Base):
    """An organisation; ``pseudonym_secret`` keys the pseudonyms of its people (hex)."""

    __tablename__ = "organization"

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(256))
    pseudonym_secret: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class TeamRow(Base):
    """A team of an organisation."""

    __tablename__ = "team"
    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organization.org_id"]),)

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    team_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(256))


class UserRow(Base):
    """A person or service account, under the pseudonym its events carry."""

    __tablename__ = "user"
    __table_args__ = (ForeignKeyConstraint(["org_id", "team_id"], ["team.org_id", "team.team_id"]),)

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    display_name: Mapped[str] = mapped_column(String(256))
    team_id: Mapped[str | None] = mapped_column(String(64))


class ApiKeyRow(Base):
    """An API key; the secret itself is never here."""

    __tablename__ = "api_key"
    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organization.org_id"]),)

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(256))
    role: Mapped[str] = mapped_column(String(16))
    secret_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    origins: Mapped[str | None] = mapped_column(String(4000))
    """Where a browser's key may be used from, separated by spaces; null for all other keys."""
    events_per_min: Mapped[int | None] = mapped_column(Integer())
    """The key's own limit; null is the installation's."""


class AlertRuleRow(Base):
    """A daily threshold on one metric of an organisation."""

    __tablename__ = "alert_rule"
    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organization.org_id"]),)

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    metric: Mapped[str] = mapped_column(String(64))
    threshold: Mapped[float] = mapped_column(Float())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class FactorOverrideRow(Base):
    """A factor an organisation puts in the place of the shared one; only ever withdrawn."""

    __tablename__ = "factor_override"
    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organization.org_id"]),)

    override_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(64), index=True)
    factor_type: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(256))
    value_low: Mapped[float] = mapped_column(Float(53))
    value_mid: Mapped[float] = mapped_column(Float(53))
    value_high: Mapped[float] = mapped_column(Float(53))
    unit: Mapped[str] = mapped_column(String(64))
    valid_from: Mapped[date] = mapped_column(Date())
    valid_to: Mapped[date | None] = mapped_column(Date())
    reason: Mapped[str] = mapped_column(String(1000))
    evidence: Mapped[str | None] = mapped_column(String(1000))
    dq_score: Mapped[int] = mapped_column(Integer())
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime())
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    withdrawal_reason: Mapped[str | None] = mapped_column(String(1000))


class PeriodFreezeRow(Base):
    """A month an organisation keeps as it was known on a day."""

    __tablename__ = "period_freeze"
    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organization.org_id"]),)

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    period_start: Mapped[date] = mapped_column(Date(), primary_key=True)
    frozen_on: Mapped[date] = mapped_column(Date())


class ImportSessionRow(Base):
    """A bulk import, made of numbered parts; complete once ``completed_at`` is set."""

    __tablename__ = "import_session"
    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organization.org_id"]),)

    import_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(64), index=True)
    key_id: Mapped[str] = mapped_column(String(16))
    name: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class ImportPartRow(Base):
    """A part of an import: which bytes its number stands for and, once stored, the answer."""

    __tablename__ = "import_part"
    __table_args__ = (ForeignKeyConstraint(["import_id"], ["import_session.import_id"]),)

    import_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(Integer(), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    accepted: Mapped[int | None] = mapped_column(Integer())
    duplicate: Mapped[int | None] = mapped_column(Integer())
    rejected: Mapped[int | None] = mapped_column(Integer())
    answer: Mapped[str | None] = mapped_column(Text())
