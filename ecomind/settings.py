"""Every knob of EcoMind, once, with a default that works on a laptop.

Belongs here: names, defaults and explanations of settings, and the paths derived from them.
Does not belong here: reading the environment anywhere else, or secrets (those live in files
below ``secrets_dir``, never in a printed setting).
"""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, computed_field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ecomind import landing_url as landing_urls
from ecomind.web_address import is_safe_address

PROJECT_ROOT = Path(__file__).resolve().parents[1]
SEEDS_DIR = PROJECT_ROOT / "seeds"
"""Factor files and mappings, as dbt loads them."""
ENVIRONMENT_PREFIX = "ECOMIND_"


def default_node() -> str:
    """The host name, reduced to what a landed file name may hold."""
    letters = (c for c in socket.gethostname().split(".")[0].lower() if c.isalnum())
    return "".join(letters)[:32] or "node"


class Settings(BaseSettings):
    """Settings read from ``ECOMIND_*`` environment variables."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        frozen=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,  # A wrong address may hold a secret.
    )

    home: Path = Field(
        PROJECT_ROOT / "data", description="Folder of everything this installation stores."
    )
    node: str = Field(
        default_factory=default_node,
        pattern=r"^[a-z0-9]{1,32}$",
        description="Name of this machine in landed file names; unique per ingest machine.",
    )
    landing_url: str = Field(
        "",
        description="Landing zone: a folder or s3://bucket/prefix, then with endpoint, region and"
        " credentials in the AWS_* variables; empty: landing/ in home.",
    )
    control_url: SecretStr = Field(
        SecretStr(""), description="SQLAlchemy URL of the control store; empty: SQLite in home."
    )

    host: str = Field("127.0.0.1", description="Address all services bind to.")
    ingest_port: int = Field(8787, ge=1, le=65535, description="Port of the ingest API.")
    dashboard_port: int = Field(8501, ge=1, le=65535, description="Port of the dashboard.")
    dagster_port: int = Field(3000, ge=1, le=65535, description="Port of Dagster's pages.")
    platform_port: int = Field(
        8088,
        ge=1,
        le=65535,
        description="Port of the platform: the API that reads and administers, and the auditor's"
        " documents (dbt docs, Data Docs).",
    )

    dashboard_url: str = Field(
        "",
        description="Address people open the dashboard at, without a path; empty:"
        " http://host:dashboard_port.",
    )
    oidc_issuer: str = Field(
        "",
        description="Identity provider people sign in with (OpenID Connect issuer); empty: none,"
        " people sign in with one-time codes.",
    )
    oidc_client_id: str = Field(
        "",
        validate_default=True,
        description="Client the identity provider knows EcoMind as.",
    )
    oidc_client_secret_file: Path | None = Field(
        None, description="File that holds the client's secret, and nothing else."
    )
    oidc_audience: str = Field(
        "",
        description="Audience of tokens sent to the platform API; empty: the client, so that its"
        " ID tokens serve.",
    )

    ingest_workers: int = Field(
        1, ge=1, le=64, description="Processes of the ingest API that share its port."
    )
    ingest_metrics_host: str = Field(
        "127.0.0.1", description="Address of the ingest API's internal port."
    )
    ingest_metrics_port: int = Field(
        9464,
        ge=0,
        le=65535,
        description="Internal port of the ingest API (/metrics, /livez, /readyz); 0 is none.",
    )
    ingest_key_events_per_min: int = Field(
        600_000, ge=0, description="Events a minute an API key may send; 0 is no limit."
    )
    ingest_org_events_per_min: int = Field(
        1_200_000, ge=0, description="Events a minute an organisation may send; 0 is no limit."
    )
    ingest_access_log: bool = Field(False, description="Log every request to the ingest API.")
    ingest_tls_cert_file: Path | None = Field(
        None, description="Certificate chain of the ingest API, PEM; with it, HTTPS only."
    )
    ingest_tls_key_file: Path | None = Field(
        None, description="Private key of the certificate, PEM without a passphrase."
    )

    max_body_bytes: int = Field(
        8 * 2**20, gt=0, description="Largest request body the ingest API accepts, in bytes."
    )
    max_decoded_bytes: int = Field(
        32 * 2**20,
        gt=0,
        description="Largest body after decompression the ingest API accepts, in bytes.",
    )
    body_timeout_s: float = Field(
        60.0, gt=0, description="How long the body of a request may take to arrive, in seconds."
    )
    max_batch_events: int = Field(
        5000, gt=0, description="Most events in one request to the ingest API."
    )
    max_event_age_days: int = Field(
        400, gt=0, description="Oldest event accepted without the ingest:import scope, in days."
    )
    max_future_s: int = Field(
        300, ge=0, description="How far ahead of the server clock an event may lie, in seconds."
    )
    seal_max_age_s: float = Field(
        5.0, gt=0, description="A write-ahead segment is sealed to Parquet at this age, in seconds."
    )
    seal_max_bytes: int = Field(
        32 * 2**20, gt=0, description="A write-ahead segment is sealed at this size, in bytes."
    )
    max_unsealed_segments: int = Field(
        10_000,
        gt=0,
        description="Write-ahead segments not yet sealed, above it events are refused.",
    )
    max_unsealed_bytes: int = Field(
        2 * 2**30,
        gt=0,
        description="Bytes of unsealed write-ahead segments above which events are refused.",
    )
    compact_min_files: int = Field(
        200,
        ge=2,
        description="Small landed files of a node and table, not yet loaded, above which they are"
        " merged before the load.",
    )
    log_max_pending_bytes: int = Field(
        64 * 2**20, gt=0, description="Bytes waiting for the disk before requests are refused."
    )
    min_free_bytes: int = Field(
        256 * 2**20,
        ge=0,
        description="Free disk space below which events and commands are refused, in bytes.",
    )
    keep_raw_user_ids: bool = Field(
        False, description="Store user ids as sent instead of as keyed pseudonyms."
    )
    keep_conversation_ids: bool = Field(
        False, description="Store a keyed pseudonym of conversation ids; off, they are dropped."
    )

    duckdb_memory_limit: str = Field("4GB", description="Memory limit of each DuckDB writer.")
    duckdb_threads: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1),
        ge=1,
        description="Threads of each DuckDB writer.",
    )
    snapshots_kept: int = Field(
        5, ge=2, description="Published snapshots kept beside those that a report names."
    )
    load_poll_s: int = Field(
        5, ge=1, description="How often the sensor looks for newly landed files, in seconds."
    )
    freshness_warn_h: int = Field(
        24, ge=1, description="Age of the newest event that counts as stale, in hours."
    )
    us_grid_basis: str = Field(
        "egrid",
        pattern="^(egrid|ember)$",
        description="Grid factors of US cloud regions: eGRID subregions or Ember's country value.",
    )
    period_freeze_days: int = Field(
        21,
        ge=0,
        description="Days after a month's last day until its figures are frozen, unless recorded.",
    )
    rejects_days: int = Field(
        30, ge=1, description="Days rejections are kept where an organisation does not say."
    )
    logs_days: int = Field(
        30, ge=1, description="Days logs and runs are kept where no organisation says fewer."
    )
    export_days: int = Field(
        7, ge=1, description="Days until the export of a person's data is removed."
    )
    alert_webhook_url: SecretStr | None = Field(
        None, description="Address that receives threshold alerts; empty sends none."
    )

    @field_validator("landing_url")
    @classmethod
    def _names_a_landing_zone(cls, value: str) -> str:
        if value:
            landing_urls.parse(value)
        return value

    @field_validator("oidc_issuer", "dashboard_url")
    @classmethod
    def _is_safe(cls, value: str) -> str:
        if value and not is_safe_address(value):
            raise ValueError("an address with https, or with http on this machine itself")
        return value

    @field_validator("oidc_client_id")
    @classmethod
    def _is_known_where_people_sign_in(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("oidc_issuer") and not value:
            raise ValueError("an identity provider (ECOMIND_OIDC_ISSUER) knows EcoMind by a client")
        return value

    @property
    def landing_dir(self) -> Path:
        """Folder of the landing zone, if it is one (``ecomind.landing_zone.open_zone``)."""
        place = landing_urls.parse(self.landing_url) if self.landing_url else None
        return place if isinstance(place, Path) else self.home / "landing"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def quarantine_dir(self) -> Path:
        """Landed files that could not be read, kept for a person to look at."""
        return self.home / "quarantine"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def optional_factors_dir(self) -> Path:
        """Factor sets that are not shipped, one ``factor_<name>.csv`` each."""
        return self.home / "factors"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def wal_dir(self) -> Path:
        """Write-ahead segments not yet sealed."""
        return self.home / "wal"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warehouse_dir(self) -> Path:
        """The two DuckDB files that only pipeline steps open."""
        return self.home / "warehouse"

    @property
    def raw_database(self) -> Path:
        """DuckDB file of the raw layer (schema ``raw``), written by dlt."""
        return self.warehouse_dir / "raw_store.duckdb"

    @property
    def marts_database(self) -> Path:
        """DuckDB file of staging to marts, written by dbt."""
        return self.warehouse_dir / "marts.duckdb"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def served_dir(self) -> Path:
        """Published, read-only snapshots and the ``CURRENT`` pointer."""
        return self.home / "served"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def reports_dir(self) -> Path:
        """Report bundles, one folder per organisation, month and version."""
        return self.home / "reports"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def exports_dir(self) -> Path:
        """Exports of people, one archive per job, until they expire."""
        return self.home / "exports"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def documents_dir(self) -> Path:
        """The auditor's pages: ``dbt/`` (dbt docs) and ``data/`` (Data Docs)."""
        return self.home / "documents"

    @property
    def dlt_dir(self) -> Path:
        """Working folder of the dlt pipelines."""
        return self.home / "dlt"

    @property
    def dbt_target_dir(self) -> Path:
        """Artefacts of dbt (manifest, run results)."""
        return self.home / "dbt"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance folder."""
        return self.home / "dagster"

    @property
    def logs_dir(self) -> Path:
        """Output of the services started by ``ecomind up``."""
        return self.home / "logs"

    @property
    def secrets_dir(self) -> Path:
        """Secrets of this installation, readable by their owner only."""
        return self.home / "secrets"

    @property
    def ingest_url(self) -> str:
        """Where the ingest API is found from this machine."""
        scheme = "http" if self.ingest_tls_cert_file is None else "https"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.ingest_port}"

    @property
    def resolved_dashboard_url(self) -> str:
        """Where people open the dashboard, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.dashboard_url or f"http://{host}:{self.dashboard_port}").rstrip("/")

    @property
    def resolved_control_url(self) -> str:
        """SQLAlchemy URL of the control store with the default filled in."""
        return self.control_url.get_secret_value() or f"sqlite:///{self.home / 'control.db'}"


@cache
def get_settings() -> Settings:
    """The settings of this process, read from the environment once."""
    return Settings()
