"""The statements that turn invented usage rows into the tables of a published snapshot."""

from __future__ import annotations

import duckdb

from ecomind.warehouse.snapshot import LAYOUT
from tests.orchestration import snapshot_figures as figures

MART_KEYS = {
    "org_footprint_daily": ("usage_date", "org_id"),
    "team_footprint_daily": ("usage_date", "org_id", "team_id"),
    "user_footprint_daily": ("usage_date", "org_id", "user_id", "team_id"),
    "model_footprint_daily": ("usage_date", "org_id", "provider", "model"),
    "source_footprint_daily": ("usage_date", "org_id", "source"),
    "region_footprint_daily": ("usage_date", "org_id", "provider", "region", "zone_id"),
}

HEALTH = """
CREATE TABLE mart.unknown_model AS
SELECT
    org_id,
    provider,
    model,
    min(usage_date) AS first_seen,
    max(usage_date) AS last_seen,
    sum(events)::bigint AS events,
    sum(energy_mid_kwh) AS energy_mid_kwh,
    sum(energy_mid_kwh) / any_value(org_kwh) AS energy_share,
    max(model_fallback_level)::integer AS model_fallback_level,
    'tier-large' AS resolved_model_key
FROM usage JOIN (
    SELECT org_id AS of_org, sum(energy_mid_kwh) AS org_kwh FROM usage GROUP BY ALL
) ON of_org = org_id
WHERE model_fallback_level >= 5 GROUP BY org_id, provider, model ORDER BY ALL;

CREATE TABLE mart.intake_health_daily AS
SELECT
    usage_date AS received_date,
    org_id,
    (sum(events) + sum(events) // 200 + sum(events) // 100)::bigint AS events_received,
    sum(events)::bigint AS events_distinct,
    (sum(events) // 200)::bigint AS events_repeated,
    (sum(events) // 100)::bigint AS events_superseded,
    (sum(events) // 500)::bigint AS events_rejected
FROM usage GROUP BY ALL ORDER BY ALL;

CREATE TABLE mart.rejection_daily AS
SELECT received_date, org_id, 'invalid_value' AS code, events_rejected AS rejected
FROM mart.intake_health_daily WHERE events_rejected > 0 ORDER BY ALL;

CREATE TABLE mart.superseded_event AS
SELECT
    received_date AS usage_date,
    org_id,
    'urn:otel:shop:openai' AS source,
    'event-' || number AS event_id,
    received_date::timestamptz + number * INTERVAL 1 MINUTE AS occurred_at,
    received_date,
    1.0::double AS calls,
    'urn:litellm:1' AS superseded_by_source,
    'call-' || number AS superseded_by_event_id,
    'provider_response_id' AS link,
    'same provider_response_id, gateway or provider log before span or log' AS reason
FROM mart.intake_health_daily, range(events_superseded) AS numbers(number) ORDER BY ALL;

CREATE TABLE mart.coverage_daily AS
SELECT
    usage_date,
    org_id,
    provider,
    'openai_usage' AS connector,
    sum(calls) * 1.03 AS bucket_calls,
    sum(calls) AS counted_calls,
    sum(calls) * 0.03 AS unattributed_calls,
    sum(input_tokens + cached_input_tokens) * 1.05 AS bucket_input_tokens,
    sum(input_tokens + cached_input_tokens) AS counted_input_tokens,
    sum(input_tokens + cached_input_tokens) * 0.05 AS unattributed_input_tokens,
    sum(output_tokens) * 1.05 AS bucket_output_tokens,
    sum(output_tokens) AS counted_output_tokens,
    sum(output_tokens) * 0.05 AS unattributed_output_tokens,
    1 / 1.03 AS calls_coverage_share,
    1 / 1.05 AS tokens_coverage_share
FROM usage WHERE provider = 'openai' GROUP BY ALL ORDER BY ALL;

CREATE TABLE mart.alert_evaluation_daily AS
SELECT
    usage_date,
    org_id,
    'energy-day' AS rule_id,
    'energy_mid_kwh' AS metric,
    1.0::double AS threshold,
    energy_mid_kwh AS value,
    energy_mid_kwh > 1.0 AS is_breached
FROM mart.org_footprint_daily ORDER BY ALL;
"""

FACTORS = """
CREATE TABLE mart.factor_in_use AS
WITH factor(factor_id, factor_type, key, value_low, value_mid, value_high, unit, basis,
    data_year, source, source_url, licence, dq_score, share) AS (VALUES
    ('grid-usa-2025', 'grid_location', 'USA', 384.0, 384.0, 384.0, 'gCO2e/kWh', 'life cycle',
     2025, 'Ember', 'https://ember-energy.org/', 'CC BY 4.0', 3, 0.5),
    ('grid-srvc-2023', 'grid_location', 'SRVC', 279.0, 279.0, 279.0, 'gCO2e/kWh', 'direct',
     2023, 'US EPA eGRID', 'https://www.epa.gov/egrid', 'Public domain', 4, 0.3),
    ('ewif-usa', 'water_offsite', 'USA', 0.89, 3.13, 4.35, 'L/kWh', 'consumption',
     2020, 'WRI 2020', 'https://www.wri.org/', 'CC BY 4.0', 3, 0.5),
    ('embodied-default', 'embodied', '*', 19.0, 45.5, 89.0, 'gCO2e/kWh IT', 'cradle to gate',
     2025, 'EcoMind, from the NVIDIA HGX H100 footprint', 'https://www.nvidia.com/', 'Facts',
     2, 1.0),
    ('model-gpt-4o', 'model_output', 'openai/gpt-4o', 0.265, 0.98, 3.63, 'Wh/1k output tokens',
     'IT energy', 2024, 'EcoMind regression on ML.ENERGY', 'https://ml.energy/', 'Apache-2.0',
     2, 0.4)
)
SELECT org_id, factor_id, factor_type, key, value_low::double AS value_low,
    value_mid::double AS value_mid, value_high::double AS value_high, unit, basis, data_year,
    make_date(data_year, 1, 1) AS valid_from, factor.source, source_url, licence, dq_score,
    any_value(factor_set_id) AS factor_set_id, false AS is_override,
    sum(energy_mid_kwh * share) AS energy_mid_kwh
FROM usage CROSS JOIN factor GROUP BY ALL ORDER BY org_id, factor_id;
"""

DATAPOINTS = """
CREATE TABLE reporting.rpt_datapoint AS
WITH month AS (
    SELECT
        org_id,
        date_trunc('month', usage_date)::date AS period_start,
        last_day(usage_date) AS period_end,
        {sums},
        1 - sum(default_factor_energy_share * energy_mid_kwh) / sum(energy_mid_kwh) AS covered
    FROM usage GROUP BY ALL
), point(datapoint_id, label, framework, framework_version, status, stem, unit, divisor,
    reason) AS (VALUES
    ('ai_electricity_use', 'Electricity used by AI services', 'EcoMind', '2026.11',
     'computed', 'energy_{{s}}_kwh', 'MWh', 1000.0, NULL),
    ('ai_ghg_location', 'Greenhouse gases of AI services, location-based', 'GHG Protocol',
     'Scope 3 Standard', 'computed', 'co2e_total_location_{{s}}_kg', 'tCO2e', 1000.0, NULL),
    ('ai_ghg_market', 'Greenhouse gases of AI services, market-based', 'GHG Protocol',
     'Scope 3 Standard', 'computed', 'co2e_total_market_{{s}}_kg', 'tCO2e', 1000.0, NULL),
    ('ai_water_consumption', 'Water consumed for AI services', 'EcoMind', '2026.11',
     'computed', 'water_{{s}}_l', 'm3', 1000.0, NULL),
    ('scope3_total', 'Total Scope 3 greenhouse gases', 'ESRS', 'Set 1', 'refused', NULL,
     'tCO2e', 1.0, 'One category is known here; a company total needs all of them.'),
    ('own_operations_energy', 'Energy consumption of own operations', 'ESRS', 'Set 1',
     'refused', NULL, 'MWh', 1.0,
     'Energy of purchased AI services is used in the operations of others.'),
    ('ghg_intensity_revenue', 'Greenhouse gas intensity per net revenue', 'ESRS', 'Set 1',
     'not_available', NULL, 'tCO2e/EUR', 1.0, 'Net revenue is not known to the warehouse.')
)
SELECT
    org_id, period_start, period_end, datapoint_id, label, framework, framework_version, status,
    {mid} AS value, {low} AS value_low, {high} AS value_high, unit,
    'Tokens x energy per token x PUE x grid factor' AS method,
    'Purchased AI services (Scope 3 category 1)' AS boundary,
    'org_footprint_daily' AS source_model,
    '{factor_set}' AS factor_set_id,
    '{method}' AS method_version,
    CASE WHEN status = 'computed' THEN covered * 100 END AS coverage_pct,
    CASE WHEN status = 'computed' THEN 0.0 END AS primary_data_pct,
    reason::varchar AS refusal_reason
FROM month CROSS JOIN point ORDER BY org_id, period_start, datapoint_id;
"""


RESTATEMENTS = """
CREATE TABLE mart.org_restatement_monthly (org_id varchar, period_start date, frozen_on date,
    metric varchar, unit varchar, value_as_reported double, value_restated double,
    difference double, difference_share double, is_significant boolean);
CREATE TABLE mart.restatement (org_id varchar, period_start date, metric varchar, term varchar,
    reported_factor_ids varchar, restated_factor_ids varchar, unit varchar, difference double);
CREATE TABLE intermediate.int_factor_rows AS
SELECT DISTINCT * EXCLUDE (org_id, energy_mid_kwh) FROM mart.factor_in_use;
"""
"""No month was restated; `tests.support.restated` has some that were."""


def create_tables(connection: duckdb.DuckDBPyConnection, orgs: int) -> None:
    """Create every published table from the registered relation ``usage``."""
    for schema in ("intermediate", "mart", "reporting", "as_reported", "publication"):
        connection.execute(f"CREATE SCHEMA {schema}")
    connection.execute("CREATE TABLE intermediate.usage_footprint_daily AS SELECT * FROM usage")
    for mart, keys in MART_KEYS.items():
        connection.execute(mart_statement(mart, keys))
    connection.execute(HEALTH)
    connection.execute(FACTORS)
    connection.execute(datapoint_statement())
    connection.execute(RESTATEMENTS)
    for schema, mart in (*(("mart", mart) for mart in MART_KEYS), ("reporting", "rpt_datapoint")):
        connection.execute(f"CREATE VIEW as_reported.{mart} AS SELECT * FROM {schema}.{mart}")
    create_dimensions(connection, orgs)
    connection.execute(f"CREATE TABLE publication.layout AS SELECT {LAYOUT} AS version")
    connection.execute(
        "CREATE TABLE publication.snapshot (snapshot_id varchar, published_at timestamptz,"
        " data_through timestamptz, dagster_run_id varchar)"
    )


def mart_statement(mart: str, keys: tuple[str, ...]) -> str:
    """The statement that aggregates usage rows to one mart's keys."""
    by = ", ".join(keys)
    types = {"events": "::bigint"}
    sums = ", ".join(f"sum({c}){types.get(c, '')} AS {c}" for c in figures.ADDITIVE)
    means = ", ".join(
        f"sum({c} * energy_mid_kwh) / sum(energy_mid_kwh) AS {c}" for c in figures.WEIGHTED
    )
    return (
        f"CREATE TABLE mart.{mart} AS SELECT {by}, {sums}, {means},"
        " any_value(factor_set_id) AS factor_set_id, any_value(method_version) AS method_version"
        f" FROM usage GROUP BY {by} ORDER BY {by}"
    )


def datapoint_statement() -> str:
    """The statement that creates the datapoints of every organisation and month."""
    stems = (
        "energy_{s}_kwh",
        "co2e_total_location_{s}_kg",
        "co2e_total_market_{s}_kg",
        "water_{s}_l",
    )
    columns = [stem.format(s=s) for stem in stems for s in figures.SCENARIOS]
    sums = ", ".join(f"sum({c}) AS {c}" for c in columns)
    cases = {
        s: "CASE stem "
        + " ".join(f"WHEN '{stem}' THEN {stem.format(s=s)} / divisor" for stem in stems)
        + " END"
        for s in figures.SCENARIOS
    }
    sql = DATAPOINTS.replace("{{s}}", "{s}")
    parts = {"{sums}": sums, "{factor_set}": figures.FACTOR_SET_ID}
    parts["{method}"] = figures.METHOD_VERSION
    for s, case in cases.items():
        parts[f"{{{s}}}"] = case
    for name, text in parts.items():
        sql = sql.replace(name, text)
    return sql


def create_dimensions(connection: duckdb.DuckDBPyConnection, orgs: int) -> None:
    """Create the organisations, teams and people."""
    connection.execute("CREATE TABLE mart.dim_organization (org_id varchar, name varchar)")
    connection.execute("CREATE TABLE mart.dim_team (org_id varchar, team_id varchar, name varchar)")
    connection.execute(
        "CREATE TABLE mart.dim_user (org_id varchar, user_id varchar, display_name varchar,"
        " team_id varchar, team_name varchar)"
    )
    for org_id, org_name in figures.ORGANIZATIONS[:orgs]:
        connection.execute("INSERT INTO mart.dim_organization VALUES (?, ?)", [org_id, org_name])
        for team_id, name, _share in figures.TEAMS:
            connection.execute(
                "INSERT INTO mart.dim_team VALUES (?, ?, ?)", [org_id, team_id, name]
            )
            for user_id, display in figures.people_of(org_id, team_id):
                connection.execute(
                    "INSERT INTO mart.dim_user VALUES (?, ?, ?, ?, ?)",
                    [org_id, user_id, display, team_id, name],
                )
