"""The warehouse as others see it: publishing a snapshot and reading one.

Belongs here: making a published copy, finding the current one, organisation-scoped reads, and
the catalogue of report bundles. Does not belong here: filling the warehouse (dlt, dbt) or
deciding when (orchestration).
"""
