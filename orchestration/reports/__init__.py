"""Report bundles: what one organisation may print about one month, as CSV and PDF.

Belongs here: reading the datapoints and marts of a published snapshot, printing them and
storing the result as a versioned bundle. Does not belong here: formulas (dbt), when to report
(assets), or anything that needs Dagster.
"""

from orchestration.reports.build import build_bundle
from orchestration.reports.content import FiguresDisagree, NothingToReport, read_content
from orchestration.reports.period import Period

__all__ = ["FiguresDisagree", "NothingToReport", "Period", "build_bundle", "read_content"]
