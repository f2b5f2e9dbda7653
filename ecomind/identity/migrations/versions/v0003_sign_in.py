"""One-time codes that people sign in with, and the end of a person's sign-ins."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table and the column."""
    op.add_column("person", sa.Column("signed_out_at", _TIME))
    op.create_table(
        "sign_in_code",
        sa.Column("person_id", sa.String(32), primary_key=True),
        sa.Column("code_digest", sa.String(64), nullable=False, unique=True),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"]),
    )


def downgrade() -> None:
    """Remove them; codes not used yet are lost."""
    op.drop_table("sign_in_code")
    op.drop_column("person", "signed_out_at")
