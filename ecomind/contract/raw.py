"""The raw layer's tables: what dlt writes and dbt reads.

Belongs here: the columns of each raw table, derived from the landed tables where they hold
landed rows. Does not belong here: how they are loaded.
"""

from __future__ import annotations

from ecomind.contract.bucket import BUCKETS
from ecomind.contract.event import EVENTS, OUTCOMES, REJECTS
from ecomind.contract.fields import Field, Table

RAW_DATABASE = "raw_store"
"""Catalog name of the raw DuckDB file; not ``raw``, which DuckDB would confuse with the schema."""

RAW_SCHEMA = "raw"

_LOAD_ID = Field(name="_dlt_load_id", kind="string", required=True, max_length=64,
                 description="dlt load that wrote the row.")  # fmt: skip
LINEAGE_FIELDS = (
    Field(name="landed_file", kind="string", required=True, max_length=160,
          description="Landed file the row came from."),
    _LOAD_ID,
)  # fmt: skip


def _landed(name: str, table: Table) -> Table:
    return Table(name, table.grain, table.description, (*table.fields, *LINEAGE_FIELDS))


def _text(name: str, description: str, *, required: bool = True) -> Field:
    return Field(
        name=name, kind="string", required=required, max_length=256, description=description
    )


def _number(name: str, description: str) -> Field:
    return Field(
        name=name, kind="number", required=True, minimum=0, maximum=1e15, description=description
    )


def _date(name: str, description: str, *, required: bool = True) -> Field:
    return Field(name=name, kind="date", required=required, description=description)


def _time(name: str, description: str, *, required: bool = True) -> Field:
    return Field(
        name=name, kind="timestamp", required=required, unit="UTC", description=description
    )


USAGE_EVENTS = _landed("usage_events", EVENTS)
USAGE_BUCKETS = _landed("usage_buckets", BUCKETS)
USAGE_REJECTS = _landed("usage_rejects", REJECTS)
INGEST_OUTCOMES = _landed("ingest_outcomes", OUTCOMES)
LANDED_TO_RAW: tuple[tuple[Table, Table], ...] = (
    (EVENTS, USAGE_EVENTS),
    (BUCKETS, USAGE_BUCKETS),
    (REJECTS, USAGE_REJECTS),
    (OUTCOMES, INGEST_OUTCOMES),
)

LOAD_OUTCOMES = Table(
    name="load_outcomes",
    grain="one row per landed file and load",
    description="What the load did with each landed file.",
    fields=(
        _text("table_name", "Raw table the file belongs to."),
        _text("landed_file", "Landed file."),
        _text("received_date", "Date of the folder the file was landed in."),
        Field(name="result", kind="string", required=True, choices=("loaded", "set_aside"),
              description="Whether the file was loaded or set aside as unreadable."),
        Field(name="rows_count", kind="integer", minimum=0, maximum=10**12,
              description="Rows loaded; empty for a file set aside."),
        _text("reason", "Why the file was set aside.", required=False),
        Field(name="loaded_at", kind="timestamp", required=True, unit="UTC",
              description="When the load looked at the file."),
        _LOAD_ID,
    ),
)  # fmt: skip

CONTROL_ORGANIZATIONS = Table(
    "control_organizations",
    "one row per organisation",
    "Organisations of the control store.",
    (
        _text("org_id", "Organisation."),
        _text("name", "Name of the organisation."),
        Field(name="created_at", kind="timestamp", required=True, unit="UTC",
              description="When the organisation was created."),
        _LOAD_ID,
    ),
)  # fmt: skip
CONTROL_TEAMS = Table(
    "control_teams",
    "one row per team",
    "Teams of the control store.",
    (
        _text("org_id", "Organisation."),
        _text("team_id", "Team."),
        _text("name", "Name of the team."),
        _LOAD_ID,
    ),
)
CONTROL_USERS = Table(
    "control_users",
    "one row per user",
    "People and service accounts of the control store, under their pseudonyms.",
    (
        _text("org_id", "Organisation."),
        Field(name="user_id", kind="string", required=True, max_length=128, privacy="B",
              description="Keyed pseudonym, as in the events."),
        Field(name="display_name", kind="string", required=True, max_length=256, privacy="B",
              description="Name shown to people who may see per-user rows."),
        _text("team_id", "Team of the user.", required=False),
        _LOAD_ID,
    ),
)  # fmt: skip
CONTROL_ALERT_RULES = Table(
    "control_alert_rules",
    "one row per rule",
    "Daily thresholds set by organisations.",
    (
        _text("org_id", "Organisation."),
        _text("rule_id", "Rule."),
        _text("metric", "Column of org_footprint_daily the rule watches."),
        Field(name="threshold", kind="number", required=True, minimum=0, maximum=1e15,
              description="Value of a day above which the rule fires, in the metric's unit."),
        Field(name="created_at", kind="timestamp", required=True, unit="UTC",
              description="When the rule was created."),
        _LOAD_ID,
    ),
)  # fmt: skip
CONTROL_FACTOR_OVERRIDES = Table(
    "control_factor_overrides",
    "one row per override",
    "Factors that organisations put in the place of the shared ones, also those withdrawn.",
    (
        _text("override_id", "Override."),
        _text("org_id", "Organisation whose calls the factor applies to."),
        _text("factor_type", "Type of the factor, as in the factor files."),
        _text("key", "Model, place, provider or constant the factor belongs to."),
        _number("value_low", "Low value, in `unit`."),
        _number("value_mid", "Central value, in `unit`."),
        _number("value_high", "High value, in `unit`."),
        _text("unit", "Unit of the values."),
        _date("valid_from", "First day of use the factor applies to."),
        _date("valid_to", "First day it no longer applies to; empty: no end.", required=False),
        Field(name="reason", kind="string", required=True, max_length=1000,
              description="Why the organisation overrides the shared factor."),
        Field(name="evidence", kind="string", max_length=1000,
              description="Document or address that shows the figure."),
        Field(name="dq_score", kind="integer", required=True, minimum=1, maximum=5,
              description="Data quality, 1 to 5."),
        _time("recorded_at", "When the override was recorded."),
        _time("withdrawn_at", "When it was withdrawn; empty: it stands.", required=False),
        Field(name="withdrawal_reason", kind="string", max_length=1000,
              description="Why it was withdrawn."),
        _LOAD_ID,
    ),
)  # fmt: skip
CONTROL_PERIOD_FREEZES = Table(
    "control_period_freezes",
    "one row per organisation and frozen month",
    "Months whose figures organisations have reported and keep as they were reported.",
    (
        _text("org_id", "Organisation."),
        _date("period_start", "First day of the month."),
        _date("frozen_on", "Day the month was frozen: what was known then is as reported."),
        _LOAD_ID,
    ),
)
CONTROL_TABLES: tuple[Table, ...] = (
    CONTROL_ORGANIZATIONS,
    CONTROL_TEAMS,
    CONTROL_USERS,
    CONTROL_ALERT_RULES,
    CONTROL_FACTOR_OVERRIDES,
    CONTROL_PERIOD_FREEZES,
)

RETENTION_HORIZONS = Table(
    "retention_horizons",
    "one row per organisation whose raw events are removed by age",
    "Up to where raw events of organisations were removed. Written by retention, not by loads.",
    (
        _text("org_id", "Organisation."),
        Field(name="closed_before", kind="timestamp", required=True, unit="UTC",
              description="First hour that raw still holds whole; the sums of earlier ones stay."),
    ),
)  # fmt: skip

LOADS = Table(
    "_dlt_loads",
    "one row per load",
    "dlt's own record of completed loads.",
    (
        _text("load_id", "Load."),
        _text("schema_name", "dlt schema the load belongs to."),
        Field(name="status", kind="integer", required=True, minimum=0, maximum=9,
              description="0 when the load is complete."),
        Field(name="inserted_at", kind="timestamp", required=True, unit="UTC",
              description="When the load was completed."),
    ),
)  # fmt: skip

RAW_TABLES: tuple[Table, ...] = (
    USAGE_EVENTS,
    USAGE_BUCKETS,
    USAGE_REJECTS,
    INGEST_OUTCOMES,
    LOAD_OUTCOMES,
    *CONTROL_TABLES,
    RETENTION_HORIZONS,
    LOADS,
)
