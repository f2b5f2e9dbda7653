"""Warehouse: dbt turns raw events and factors into marts."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from ecomind.settings import get_settings
from orchestration.dbt import Translator, dbt_vars, ensure_manifest
from orchestration.names import WAREHOUSE_POOL

_MANIFEST = ensure_manifest(get_settings())
_FACTORS = "resource_type:seed tag:factors"
_NOT_NOW = "resource_type:unit_test tag:audit"
RUN_DIR = "run"


def _build(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    settings = get_settings()
    # Unit tests belong to development; scans of all history belong to the nightly audit.
    arguments = ["build", "--exclude", _NOT_NOW, *dbt_vars(settings)]
    target = settings.dbt_target_dir / RUN_DIR  # One folder is enough: the pool admits one run.
    yield from dbt.cli(arguments, context=context, target_path=target).stream()


@dbt_assets(
    manifest=_MANIFEST,
    select=_FACTORS,
    name="factors",
    dagster_dbt_translator=Translator(),
    pool=WAREHOUSE_POOL,
)
def factors(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Load the factor seeds and what is derived from them alone."""
    yield from _build(context, dbt)


@dbt_assets(
    manifest=_MANIFEST,
    exclude=_FACTORS,
    name="marts",
    dagster_dbt_translator=Translator(),
    pool=WAREHOUSE_POOL,
)
def marts(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build staging, the hourly rollup, the marts and the report datapoints."""
    yield from _build(context, dbt)
