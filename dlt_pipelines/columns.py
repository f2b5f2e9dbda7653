"""dlt column hints derived from the contract.

Belongs here: the translation of field kinds to dlt types. Does not belong here: any column of
its own.
"""

from __future__ import annotations

from typing import Any

from ecomind.contract.fields import Table

_DLT_TYPES: dict[str, str] = {
    "string": "text",
    "tags": "text",
    "integer": "bigint",
    "number": "double",
    "boolean": "bool",
    "timestamp": "timestamp",
    "date": "date",
}
FROZEN = {"tables": "evolve", "columns": "freeze", "data_type": "freeze"}
"""The schema contract: our tables may be created, their columns may not change by themselves."""


def dlt_columns(table: Table) -> dict[str, Any]:
    """Column hints of a raw table, without the columns dlt itself adds."""
    return {
        field.name: {
            "name": field.name,
            "data_type": _DLT_TYPES[field.kind],
            "nullable": field.nullable,
        }
        for field in table.fields
        if not field.name.startswith("_dlt_")
    }
