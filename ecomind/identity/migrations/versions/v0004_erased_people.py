"""Erased people are known by a keyed mark; an erasure knows the team, an export when it ends."""

import hashlib
import hmac

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TIME = sa.DateTime(timezone=True)


def _tombstone(column: str, length: int) -> None:
    op.create_table(
        "tombstone",
        sa.Column("org_id", sa.String(64), primary_key=True),
        sa.Column(column, sa.String(length), primary_key=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["organization.org_id"]),
    )


def upgrade() -> None:
    """Put marks in the place of pseudonyms, and add what jobs remember."""
    op.add_column("job", sa.Column("team_id", sa.String(64)))
    op.add_column("job", sa.Column("expires_at", _TIME))
    rows = (
        op.get_bind()
        .execute(
            sa.text(
                "SELECT t.org_id, t.user_id, t.created_at, o.pseudonym_secret FROM tombstone t"
                " JOIN organization o ON o.org_id = t.org_id"
            )
        )
        .all()
    )
    op.drop_table("tombstone")
    _tombstone("mark", 32)
    for org_id, user_id, created_at, secret in rows:
        # As `ecomind.identity.tombstones.mark_of` did when this revision was written.
        mark = hmac.new(bytes.fromhex(secret), b"person\0" + user_id.encode(), hashlib.sha256)
        op.get_bind().execute(
            sa.text("INSERT INTO tombstone (org_id, mark, created_at) VALUES (:o, :m, :c)"),
            {"o": org_id, "m": mark.hexdigest()[:32], "c": created_at},
        )


def downgrade() -> None:
    """Forget the marks: earlier versions know only pseudonyms, which nobody can get back."""
    op.drop_table("tombstone")
    _tombstone("user_id", 128)
    op.drop_column("job", "expires_at")
    op.drop_column("job", "team_id")
