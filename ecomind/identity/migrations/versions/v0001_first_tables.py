"""The tables of the first releases.

Stores made before there were revisions have some of these tables, possibly without columns added
later, all of which may be null: this revision makes what is missing and leaves the rest alone.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateColumn

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)
_tables = sa.MetaData()


def _of_an_organization() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["org_id"], ["organization.org_id"])


sa.Table(
    "organization",
    _tables,
    sa.Column("org_id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("pseudonym_secret", sa.String(64), nullable=False),
    sa.Column("created_at", _TIME, nullable=False),
)
sa.Table(
    "team",
    _tables,
    sa.Column("org_id", sa.String(64), primary_key=True),
    sa.Column("team_id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(256), nullable=False),
    _of_an_organization(),
)
sa.Table(
    "user",
    _tables,
    sa.Column("org_id", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(128), primary_key=True),
    sa.Column("display_name", sa.String(256), nullable=False),
    sa.Column("team_id", sa.String(64)),
    sa.ForeignKeyConstraint(["org_id", "team_id"], ["team.org_id", "team.team_id"]),
)
sa.Table(
    "api_key",
    _tables,
    sa.Column("key_id", sa.String(16), primary_key=True),
    sa.Column("org_id", sa.String(64), nullable=False, index=True),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("secret_digest", sa.String(64), nullable=False),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("expires_at", _TIME),
    sa.Column("revoked_at", _TIME),
    sa.Column("origins", sa.String(4000)),
    sa.Column("events_per_min", sa.Integer()),
    _of_an_organization(),
)
sa.Table(
    "alert_rule",
    _tables,
    sa.Column("org_id", sa.String(64), primary_key=True),
    sa.Column("rule_id", sa.String(64), primary_key=True),
    sa.Column("metric", sa.String(64), nullable=False),
    sa.Column("threshold", sa.Float(), nullable=False),
    sa.Column("created_at", _TIME, nullable=False),
    _of_an_organization(),
)
sa.Table(
    "factor_override",
    _tables,
    sa.Column("override_id", sa.String(16), primary_key=True),
    sa.Column("org_id", sa.String(64), nullable=False, index=True),
    sa.Column("factor_type", sa.String(64), nullable=False),
    sa.Column("key", sa.String(256), nullable=False),
    sa.Column("value_low", sa.Float(53), nullable=False),
    sa.Column("value_mid", sa.Float(53), nullable=False),
    sa.Column("value_high", sa.Float(53), nullable=False),
    sa.Column("unit", sa.String(64), nullable=False),
    sa.Column("valid_from", sa.Date(), nullable=False),
    sa.Column("valid_to", sa.Date()),
    sa.Column("reason", sa.String(1000), nullable=False),
    sa.Column("evidence", sa.String(1000)),
    sa.Column("dq_score", sa.Integer(), nullable=False),
    sa.Column("recorded_at", _TIME, nullable=False),
    sa.Column("withdrawn_at", _TIME),
    sa.Column("withdrawal_reason", sa.String(1000)),
    _of_an_organization(),
)
sa.Table(
    "period_freeze",
    _tables,
    sa.Column("org_id", sa.String(64), primary_key=True),
    sa.Column("period_start", sa.Date(), primary_key=True),
    sa.Column("frozen_on", sa.Date(), nullable=False),
    _of_an_organization(),
)
sa.Table(
    "import_session",
    _tables,
    sa.Column("import_id", sa.String(32), primary_key=True),
    sa.Column("org_id", sa.String(64), nullable=False, index=True),
    sa.Column("key_id", sa.String(16), nullable=False),
    sa.Column("name", sa.String(200)),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("completed_at", _TIME),
    _of_an_organization(),
)
sa.Table(
    "import_part",
    _tables,
    sa.Column("import_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer(), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("accepted", sa.Integer()),
    sa.Column("duplicate", sa.Integer()),
    sa.Column("rejected", sa.Integer()),
    sa.Column("answer", sa.Text()),
    sa.ForeignKeyConstraint(["import_id"], ["import_session.import_id"]),
)


def upgrade() -> None:
    """Make the tables and columns that are missing."""
    connection = op.get_bind()
    _tables.create_all(connection)
    prepare = connection.dialect.identifier_preparer
    for table in _tables.sorted_tables:
        present = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                op.execute(f"ALTER TABLE {prepare.format_table(table)} ADD COLUMN {definition}")


def downgrade() -> None:
    """Remove everything."""
    _tables.drop_all(op.get_bind())
