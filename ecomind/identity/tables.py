"""The control store's relational tables.

Belongs here: SQLAlchemy models only. Does not belong here: rules about who may change them.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
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
    """An organisation and its settings; ``pseudonym_secret`` keys its people's pseudonyms (hex).

    A deleted one keeps its row, so that its id never names another. How long things are kept is
    in days; null keeps them.
    """

    __tablename__ = "organization"

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(256))
    pseudonym_secret: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    suspended_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    analysts_see_people: Mapped[bool] = mapped_column(Boolean(), server_default=false())
    raw_days: Mapped[int | None] = mapped_column(Integer())
    rejects_days: Mapped[int | None] = mapped_column(Integer())
    logs_days: Mapped[int | None] = mapped_column(Integer())
    audit_days: Mapped[int | None] = mapped_column(Integer())


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


class PersonRow(Base):
    """Someone who signs in with an identity provider.

    ``subject`` is null until an invited person first does; then it, not the address, is who
    they are.
    """

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("issuer", "subject", name="person_issuer_subject"),)

    person_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(512))
    subject: Mapped[str | None] = mapped_column(String(256))
    email: Mapped[str | None] = mapped_column(String(320), index=True)
    display_name: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    signed_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Sign-ins from before it are over."""


class SignInCodeRow(Base):
    """The one code a person may sign in with, once; the code itself is never here."""

    __tablename__ = "sign_in_code"
    __table_args__ = (ForeignKeyConstraint(["person_id"], ["person.person_id"]),)

    person_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    code_digest: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime())


class MembershipRow(Base):
    """What a person is in an organisation; ``user_id`` is the pseudonym of their own rows."""

    __tablename__ = "membership"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["organization.org_id"]),
        ForeignKeyConstraint(["person_id"], ["person.person_id"]),
    )

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(String(32), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    invited_as: Mapped[str | None] = mapped_column(String(256))
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


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
    scopes: Mapped[str | None] = mapped_column(String(1000))
    """Scopes of a key narrower than its role, separated by spaces; null: all of the role."""
    networks: Mapped[str | None] = mapped_column(String(4000))
    """Where the key may be used from, in CIDR notation, separated by spaces; null: everywhere."""
    project_id: Mapped[str | None] = mapped_column(String(128))
    """The one project the key may send for; null: any."""
    created_by: Mapped[str | None] = mapped_column(String(320))
    rotated_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    previous_digest: Mapped[str | None] = mapped_column(String(64))
    """The secret before the rotation, which opens until ``previous_until``."""
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime())


class KeyUseRow(Base):
    """When a key was last used, to the minute; noted by the services."""

    __tablename__ = "api_key_use"
    __table_args__ = (ForeignKeyConstraint(["key_id"], ["api_key.key_id"]),)

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime())


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


class ReportScheduleRow(Base):
    """A report made regularly; recipients and formats are separated by spaces."""

    __tablename__ = "report_schedule"
    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organization.org_id"]),)

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    schedule_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cadence: Mapped[str] = mapped_column(String(16))
    recipients: Mapped[str] = mapped_column(String(4000))
    formats: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class JobRow(Base):
    """Work asked for by one organisation, done elsewhere: an erasure, an export, a report.

    ``subject`` is a pseudonym, of an erased person a mark, of a report its month (``YYYY-MM``).
    ``team_id`` is the team of who is being erased, ``expires_at`` when what was made is removed.
    """

    __tablename__ = "job"
    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organization.org_id"]),)

    job_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(16), index=True)
    requested_by: Mapped[str] = mapped_column(String(320))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime())
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    result_path: Mapped[str | None] = mapped_column(String(1000))
    failure: Mapped[str | None] = mapped_column(String(1000))
    team_id: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class JobProgressRow(Base):
    """How far a job is, noted by whoever does it.

    ``has_left``: the calls of who is being erased have their team, so that nobody needs to know it.
    """

    __tablename__ = "job_progress"
    __table_args__ = (ForeignKeyConstraint(["job_id"], ["job.job_id"]),)

    job_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    step: Mapped[int] = mapped_column(Integer())
    steps: Mapped[int] = mapped_column(Integer())
    doing: Mapped[str] = mapped_column(String(64))
    has_left: Mapped[bool] = mapped_column(Boolean())


class TombstoneRow(Base):
    """The mark of a pseudonym that was erased; what arrives under it again is erased, too."""

    __tablename__ = "tombstone"
    __table_args__ = (ForeignKeyConstraint(["org_id"], ["organization.org_id"]),)

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    mark: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class AuditEntryRow(Base):
    """One thing done or denied; never changed (``audit``). No organisation need exist for it."""

    __tablename__ = "audit_entry"

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime())
    actor: Mapped[str] = mapped_column(String(320))
    role: Mapped[str | None] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(String(512))
    outcome: Mapped[str] = mapped_column(String(16))
    facts: Mapped[str] = mapped_column(Text())
    """JSON object, as it was hashed."""
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditChainRow(Base):
    """Both ends of an organisation's audit log: what was pruned last, and the newest entry."""

    __tablename__ = "audit_chain"

    org_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    pruned_sequence: Mapped[int] = mapped_column(BigInteger())
    pruned_hash: Mapped[str] = mapped_column(String(64))
    head_sequence: Mapped[int] = mapped_column(BigInteger())
    head_hash: Mapped[str] = mapped_column(String(64))
