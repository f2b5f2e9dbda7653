"""Tests of the dbt project, on DuckDB files built here."""
