"""People who sign in, settings of organisations, rotation of keys, jobs and the audit log."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)
_Added = tuple[tuple[str, sa.types.TypeEngine[Any]], ...]

_ORGANIZATION: _Added = (
    ("suspended_at", _TIME),
    ("deleted_at", _TIME),
    ("raw_days", sa.Integer()),
    ("rejects_days", sa.Integer()),
    ("logs_days", sa.Integer()),
    ("audit_days", sa.Integer()),
)
_KEY: _Added = (
    ("scopes", sa.String(1000)),
    ("networks", sa.String(4000)),
    ("project_id", sa.String(128)),
    ("created_by", sa.String(320)),
    ("rotated_at", _TIME),
    ("previous_digest", sa.String(64)),
    ("previous_until", _TIME),
)
_ADDED = (
    "api_key_use", "membership", "person", "report_schedule", "job", "tombstone", "audit_entry",
    "audit_chain",
)  # fmt: skip
_SEALED = "the audit log is append-only"


def upgrade() -> None:
    """Add columns and tables, and seal the audit log."""
    for name, kind in _ORGANIZATION:
        op.add_column("organization", sa.Column(name, kind))
    op.add_column(
        "organization",
        sa.Column("analysts_see_people", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    for name, kind in _KEY:
        op.add_column("api_key", sa.Column(name, kind))
    _add_people()
    _add_work()
    _add_audit()
    if op.get_bind().dialect.name == "postgresql":
        _seal_on_postgresql()
    else:
        _seal_on_sqlite()


def downgrade() -> None:
    """Remove them; people, jobs and the audit log are lost."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_entry_not_emptied ON audit_entry")
        op.execute("DROP TRIGGER audit_entry_sealed ON audit_entry")
        op.execute("DROP FUNCTION seal_audit_entry")
    else:
        op.execute("DROP TRIGGER audit_entry_not_removed")
        op.execute("DROP TRIGGER audit_entry_not_changed")
    for table in _ADDED:
        op.drop_table(table)
    for name, _ in _KEY:
        op.drop_column("api_key", name)
    for name, _ in _ORGANIZATION:
        op.drop_column("organization", name)
    op.drop_column("organization", "analysts_see_people")


def _of_an_organization() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["org_id"], ["organization.org_id"])


def _add_people() -> None:
    op.create_table(
        "api_key_use",
        sa.Column("key_id", sa.String(16), primary_key=True),
        sa.Column("last_used_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.key_id"]),
    )
    op.create_table(
        "person",
        sa.Column("person_id", sa.String(32), primary_key=True),
        sa.Column("issuer", sa.String(512), nullable=False),
        sa.Column("subject", sa.String(256)),
        sa.Column("email", sa.String(320), index=True),
        sa.Column("display_name", sa.String(256), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("disabled_at", _TIME),
        sa.UniqueConstraint("issuer", "subject", name="person_issuer_subject"),
    )
    op.create_table(
        "membership",
        sa.Column("org_id", sa.String(64), primary_key=True),
        sa.Column("person_id", sa.String(32), primary_key=True, index=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("user_id", sa.String(128)),
        sa.Column("created_at", _TIME, nullable=False),
        _of_an_organization(),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"]),
    )


def _add_work() -> None:
    op.create_table(
        "report_schedule",
        sa.Column("org_id", sa.String(64), primary_key=True),
        sa.Column("schedule_id", sa.String(64), primary_key=True),
        sa.Column("cadence", sa.String(16), nullable=False),
        sa.Column("recipients", sa.String(4000), nullable=False),
        sa.Column("formats", sa.String(64), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        _of_an_organization(),
    )
    op.create_table(
        "job",
        sa.Column("job_id", sa.String(32), primary_key=True),
        sa.Column("org_id", sa.String(64), nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("requested_by", sa.String(320), nullable=False),
        sa.Column("requested_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("finished_at", _TIME),
        sa.Column("result_path", sa.String(1000)),
        sa.Column("failure", sa.String(1000)),
        _of_an_organization(),
    )
    op.create_table(
        "tombstone",
        sa.Column("org_id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(128), primary_key=True),
        sa.Column("created_at", _TIME, nullable=False),
        _of_an_organization(),
    )


def _add_audit() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("org_id", sa.String(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("recorded_at", _TIME, nullable=False),
        sa.Column("actor", sa.String(320), nullable=False),
        sa.Column("role", sa.String(16)),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.String(512), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "audit_chain",
        sa.Column("org_id", sa.String(64), primary_key=True),
        sa.Column("pruned_sequence", sa.BigInteger(), nullable=False),
        sa.Column("pruned_hash", sa.String(64), nullable=False),
        sa.Column("head_sequence", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.String(64), nullable=False),
    )


def _seal_on_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER audit_entry_not_changed BEFORE UPDATE ON audit_entry"
        f" BEGIN SELECT RAISE(ABORT, '{_SEALED}'); END"
    )
    # Retention first moves the anchor, which is itself an entry, and then removes up to it.
    op.execute(
        "CREATE TRIGGER audit_entry_not_removed BEFORE DELETE ON audit_entry"
        " WHEN OLD.sequence > coalesce("
        "(SELECT pruned_sequence FROM audit_chain WHERE org_id = OLD.org_id), 0)"
        f" BEGIN SELECT RAISE(ABORT, '{_SEALED}'); END"
    )


def _seal_on_postgresql() -> None:
    op.execute(
        f"""
        CREATE FUNCTION seal_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                IF OLD.sequence <= coalesce(
                    (SELECT pruned_sequence FROM audit_chain WHERE org_id = OLD.org_id), 0
                ) THEN
                    RETURN OLD;
                END IF;
            END IF;
            RAISE EXCEPTION '{_SEALED}';
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER audit_entry_sealed BEFORE UPDATE OR DELETE ON audit_entry"
        " FOR EACH ROW EXECUTE FUNCTION seal_audit_entry()"
    )
    op.execute(
        "CREATE TRIGGER audit_entry_not_emptied BEFORE TRUNCATE ON audit_entry"
        " FOR EACH STATEMENT EXECUTE FUNCTION seal_audit_entry()"
    )
