"""Benchmarks: what the pipeline costs against plain DuckDB, as ratios within one run.

Belongs here: synthetic load, stopwatches and comparisons, each a command of its own. Does not
belong here: assertions about absolute times, which say more about the machine than about us.
"""
