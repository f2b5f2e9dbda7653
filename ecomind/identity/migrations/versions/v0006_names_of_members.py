"""An organisation knows a person it invited by the name it gave, and whether they came."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; members so far go by their own name and have come if they ever signed in."""
    op.add_column("membership", sa.Column("invited_as", sa.String(256)))
    op.add_column("membership", sa.Column("joined_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Remove the columns."""
    op.drop_column("membership", "joined_at")
    op.drop_column("membership", "invited_as")
