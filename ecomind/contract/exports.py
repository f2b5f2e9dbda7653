"""Committed copies derived from the contract, and the check that they have not drifted.

Belongs here: rendering the contract as JSON Schema, dbt source and documentation, and which copies
there are. Does not belong here: anything a reader could change by hand; edit the contract (or, for
the browser extension, the seeds) and export again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ecomind.contract.event import CLIENT_FIELDS, EVENTS
from ecomind.contract.extension import EXTENSION_FACTORS, extension_factors_json
from ecomind.contract.fields import PRIVACY_CLASSES, Field, Table
from ecomind.contract.landing import LANDED_TABLES
from ecomind.contract.raw import RAW_DATABASE, RAW_SCHEMA, RAW_TABLES

_GENERATED = "Generated from ecomind/contract by `ecomind contract export`; do not edit."


def _json_type(field: Field) -> dict[str, Any]:
    names = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean",
             "timestamp": "string", "date": "string", "tags": "object"}  # fmt: skip
    name = names[field.kind]
    return {"type": name if field.required else [name, "null"]}


def _json_property(field: Field) -> dict[str, Any]:
    if field.choices:
        choices: list[str | None] = list(field.choices)
        schema: dict[str, Any] = {"enum": choices if field.required else [*choices, None]}
    else:
        schema = _json_type(field)
    if field.kind in {"timestamp", "date"}:
        schema["format"] = "date-time" if field.kind == "timestamp" else "date"
    if field.kind == "tags":
        schema["maxProperties"] = field.max_items
        schema["propertyNames"] = {"pattern": field.pattern}
        schema["additionalProperties"] = {"type": "string", "maxLength": field.max_length}
    else:
        limits = {
            "minLength": field.min_length,
            "maxLength": field.max_length,
            "pattern": field.pattern if not field.choices else None,
            "minimum": field.minimum,
            "exclusiveMinimum": field.exclusive_minimum,
            "maximum": field.maximum,
        }
        schema |= {name: limit for name, limit in limits.items() if limit is not None}
    if field.default is not None:
        schema["default"] = field.default
    schema["description"] = field.description + (f" Unit: {field.unit}." if field.unit else "")
    return schema


def json_schema() -> str:
    """JSON Schema (2020-12) of the client part of an event."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": _GENERATED,
        "title": "EcoMind AI call",
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in CLIENT_FIELDS if field.required],
        "anyOf": [{"required": ["request_model"]}, {"required": ["response_model"]}],
        "properties": {field.name: _json_property(field) for field in CLIENT_FIELDS},
    }
    return json.dumps(schema, indent=2) + "\n"


def _dbt_column(field: Field) -> dict[str, Any]:
    meta: dict[str, Any] = {"privacy_class": field.privacy}
    if field.unit:
        meta["unit"] = field.unit
    return {
        "name": field.name,
        "description": field.description,
        "config": {"meta": meta},
    }


def dbt_source() -> str:
    """The dbt source ``raw``: every table dlt writes, with its columns described."""
    tables = []
    for table in RAW_TABLES:
        entry: dict[str, Any] = {
            "name": table.name,
            "description": f"{table.description} Grain: {table.grain}.",
        }
        if table.name == "usage_events":
            entry["config"] = {
                "loaded_at_field": "received_at",
                "freshness": {
                    "warn_after": {"count": 24, "period": "hour"},
                    "error_after": {"count": 72, "period": "hour"},
                },
            }
        entry["columns"] = [_dbt_column(field) for field in table.fields]
        tables.append(entry)
    source = {
        "name": "raw",
        "description": "What dlt loaded: landed events as received, and the control store.",
        "database": RAW_DATABASE,
        "schema": RAW_SCHEMA,
        "tables": tables,
    }
    body = yaml.safe_dump({"version": 2, "sources": [source]}, sort_keys=False, width=100)
    return f"# {_GENERATED}\n{body}"


def _markdown_limits(field: Field) -> str:
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices)
    words = field.expectation().removeprefix("must be ")
    return words.replace("|", "\\|")


def _markdown_table(table: Table) -> list[str]:
    client = {field.name for field in CLIENT_FIELDS}
    lines = [
        f"## {table.name}",
        "",
        f"{table.description} Grain: {table.grain}.",
        "",
        "| field | from | required | value | unit | privacy | meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    for field in table.fields:
        sent = "client" if table is EVENTS and field.name in client else "server"
        meaning = field.description.replace("|", "\\|")
        if sent == "client" and field.aliases:
            meaning += f" Also accepted as {', '.join(f'`{a}`' for a in field.aliases)}."
        lines.append(
            f"| `{field.name}` | {sent} | {'yes' if field.required else 'no'} "
            f"| {_markdown_limits(field)} | {field.unit or ''} | {field.privacy} | {meaning} |"
        )
    return [*lines, ""]


def fields_page() -> str:
    """The reference page of all landed fields, as Markdown."""
    lines = [
        f"<!-- {_GENERATED} -->",
        "# Event fields",
        "",
        "Every field EcoMind stores of an AI call. Content (prompts, answers, messages) is not",
        "among them and is dropped before anything is written.",
        "",
        "Privacy classes: "
        + "; ".join(f"{name} = {meaning}" for name, meaning in PRIVACY_CLASSES.items())
        + ".",
        "",
    ]
    for table in LANDED_TABLES:
        lines += _markdown_table(table)
    return "\n".join(lines)


EXPORTS: Mapping[str, Callable[[], str]] = {
    "docs/reference/event.schema.json": json_schema,
    "docs/reference/event-fields.md": fields_page,
    "dbt_project/models/staging/_raw__sources.yml": dbt_source,
    EXTENSION_FACTORS.as_posix(): extension_factors_json,
}
"""Committed file, relative to the project root, and what renders it."""


def drifted(root: Path) -> list[str]:
    """Committed copies below ``root`` that differ from the contract."""
    return [
        name
        for name, render in EXPORTS.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != render()
    ]


def export(root: Path) -> list[str]:
    """Rewrite the copies below ``root`` that drifted; their names."""
    names = drifted(root)
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(EXPORTS[name](), encoding="utf-8")
    return names
