"""Factor files tried out on demand: are they sound, and what would they change?"""

import json
from dataclasses import asdict

import dagster as dg

from ecomind.settings import get_settings
from ecomind.warehouse.files import write_text_atomically
from orchestration.factor_candidate import judge, preview, preview_file
from orchestration.names import WAREHOUSE_POOL


@dg.op(pool=WAREHOUSE_POOL)
def judge_factor_files() -> None:
    """Build the factor files with their tests, apart from the warehouse."""
    judge(get_settings())


@dg.op(pool=WAREHOUSE_POOL)
def preview_factor_files() -> None:
    """Compute all marts with the factor files as they are, apart from the warehouse; compare."""
    settings = get_settings()
    found = json.dumps(asdict(preview(settings)), indent=1)
    write_text_atomically(preview_file(settings), found)


@dg.job(description="Are the factor files sound? Changes nothing.")
def factor_check() -> None:
    """Judge the factor files."""
    judge_factor_files()


@dg.job(description="What would the factor files change? Changes nothing.")
def factor_preview() -> None:
    """Preview the factor files."""
    preview_factor_files()


JOBS = [factor_check, factor_preview]
