"""``ecomind explain``: how one published figure came about."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import click

from ecomind.identity import operator
from ecomind.settings import get_settings
from ecomind.warehouse.explanation import Cell, Explanation, explain
from ecomind.warehouse.reader import Lens, OrgReader
from ecomind.warehouse.snapshot import current_snapshot

_INDENT = "  "
_WIDTH = 110


@click.command("explain", short_help="Show how a figure came about.")
@click.argument("org_id", metavar="ORG")
@click.argument("day", metavar="YYYY-MM-DD", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--metric", default="energy_mid_kwh", show_default=True, help="Column of the marts.")
@click.option("--model", help="Only this model, as sent.")
@click.option("--provider", help="Only this provider, as sent.")
@click.option("--user", help="Only this user (pseudonym).")
@click.option("--team", help="Only this team.")
@click.option("--region", help="Only this region; unknown where none was sent.")
@click.option("--zone", help="Only this grid zone.")
@click.option(
    "--lens",
    type=click.Choice([lens.value for lens in Lens]),
    default=Lens.RESTATED.value,
    show_default=True,
    help="With all factors known now, or with those known when the month was frozen.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON with every digit.")
def explain_command(
    org_id: str, day: datetime, metric: str, lens: str, as_json: bool, **keys: str | None
) -> None:
    """Print the parts a published figure is the sum of: formula, numbers, factors and sources."""
    settings = get_settings()
    reader = OrgReader(current_snapshot(settings), operator(org_id), Lens(lens))
    found = explain(reader, Cell(day.date(), metric, **keys))
    click.echo(as_json_text(found) if as_json else as_text(found))


def as_json_text(found: Explanation) -> str:
    """An explanation as JSON; dates and times in ISO 8601."""
    return json.dumps(
        found.document(),
        indent=2,
        ensure_ascii=False,
        default=_iso,
    )


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def as_text(found: Explanation) -> str:
    """An explanation for people, numbers to six significant digits."""
    numbers = {factor["factor_id"]: i for i, factor in enumerate(found.factors, 1)}
    versions = sorted(
        {f"method {p['method_version']}, factor set {p['factor_set_id']}" for p in found.parts}
    )
    lines = [
        f"{found.cell.metric} of {found.org_id}, {found.cell}, {found.lens.replace('_', ' ')}",
        f"{_INDENT}{found.value:.6g} {found.unit} from {found.events:,} events,"
        f" {found.calls:,.10g} calls",
        f"{_INDENT}{found.formula}",
        f"{_INDENT}snapshot {found.snapshot.snapshot_id}; {'; '.join(versions)}",
        f"{_INDENT}sum of these parts ({len(found.parts)}), the largest first",
    ]
    for i, part in enumerate(found.parts, 1):
        lines += ["", *_part(i, part, found, numbers)]
    lines += ["", "Factors"]
    for factor in found.factors:
        lines += _factor(numbers[factor["factor_id"]], factor, found.scenario)
    return "\n".join(lines)


def _part(i: int, part: dict[str, Any], found: Explanation, numbers: dict[str, int]) -> list[str]:
    share = f" ({part['value'] / found.value:.1%})" if found.value else ""
    cited = " ".join(f"[{numbers[factor_id]}]" for factor_id in part["factor_ids"])
    unit = f" {part['unit_key']}" if part["energy_route"] == "unit" else ""
    lines = [
        f"provider {part['provider']}, model {part['model']}, region {part['region']}",
        f"{part['events']:,} events, {part['calls']:,.10g} calls, route {part['energy_route']}"
        f"{' ' + part['unit_kind'] if unit else ''}",
        f"model {unit.strip() or part['model_key']}: {part['model_found_by']}"
        f" (level {part['model_fallback_level']})",
        f"zone {part['zone_id']}: {part['zone_found_by']} (level {part['zone_fallback_level']})",
        *(f"assumed: {words}" for words in part["assumptions"]),
        *(line for step in part["steps"] for line in _lines_of(step)),
        f"factors {cited}" if cited else "factors none",
    ]
    head = f"Part {i}: {part['value']:.6g} {found.unit}{share}"
    return [head, *(_INDENT + line for line in lines)]


def _lines_of(step: str) -> list[str]:
    """A chain of equations, broken before each further one where it is long."""
    if len(step) <= _WIDTH:
        return [step]
    first, *others = step.split(" = ")
    return [f"{first} = {others[0]}", *(f"{_INDENT}= {other}" for other in others[1:])]


def _factor(number: int, factor: dict[str, Any], scenario: str) -> list[str]:
    return [
        f"{_INDENT}[{number}] {factor['factor_id']}",
        f"{_INDENT * 2}{factor[f'value_{scenario}']:.6g} {factor['unit']};"
        f" data year {factor['data_year']}; score {factor['dq_score']} of 5;"
        f" licence {factor['licence']}",
        f"{_INDENT * 2}{factor['source']}; {factor['source_url']}",
    ]
