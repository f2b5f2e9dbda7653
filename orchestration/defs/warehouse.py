"""Warehouse: dbt turns raw events and factors into marts."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from ecomind.settings import get_settings
from orchestration.dbt import (
    BUILD_ARGUMENTS,
    FOUNDATION,
    NO_ARTIFACTS,
    ONLY_OWN_TESTS,
    RUN_DIR,
    Translator,
    ensure_manifest,
)
from orchestration.factor_candidate import FactorsRefused, judge
from orchestration.factor_files import are_current, are_whole, loading, refuse
from orchestration.names import WAREHOUSE_POOL

_MANIFEST = ensure_manifest(get_settings())


def _build(context: dg.AssetExecutionContext, dbt: DbtCliResource, *options: str) -> Iterator[Any]:
    settings = get_settings()
    arguments = [*BUILD_ARGUMENTS, NO_ARTIFACTS, *options]
    target = settings.dbt_target_dir / RUN_DIR  # One folder is enough: the pool admits one run.
    yield from dbt.cli(arguments, context=context, target_path=target).stream()


@dbt_assets(
    manifest=_MANIFEST,
    select=FOUNDATION,
    name="foundation",
    dagster_dbt_translator=Translator(),
    pool=WAREHOUSE_POOL,
)
def foundation(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Load the factor seeds, build what is derived from them alone, and the staging views.

    Factors that changed are tried out apart first; refused ones leave the set in force as it is.
    """
    settings = get_settings()
    if are_whole(settings) and not are_current(settings):
        try:
            judge(settings)
        except FactorsRefused as refusal:
            refuse(settings)
            message = f"{refusal}; the set in force stays"
            raise dg.Failure(message, allow_retries=False) from refusal
    with loading(settings):
        yield from _build(context, dbt, *ONLY_OWN_TESTS)


@dbt_assets(
    manifest=_MANIFEST,
    exclude=FOUNDATION,
    name="marts",
    dagster_dbt_translator=Translator(),
    pool=WAREHOUSE_POOL,
)
def marts(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build the hourly rollup of touched hours, the marts and the report datapoints."""
    if not are_whole(get_settings()):
        raise dg.Failure(
            "the factors in the warehouse are not whole: mend the files, then run `ecomind load`",
            allow_retries=False,
        )
    yield from _build(context, dbt)
