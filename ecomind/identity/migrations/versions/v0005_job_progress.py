"""How far a job is, and whether an erased person's calls have their team in the warehouse."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "job_progress",
        sa.Column("job_id", sa.String(32), primary_key=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("doing", sa.String(64), nullable=False),
        sa.Column("has_left", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.job_id"]),
    )


def downgrade() -> None:
    """Remove it: an erasure under way begins anew."""
    op.drop_table("job_progress")
