"""The yearly figures of Electricity Maps as an optional factor set.

Belongs here: reading their file, and which rows an edition adds to those installed. Does not belong
here: the figures, whose licence (ODbL 1.0, share-alike) keeps them out of the project, or where
they are applied (dbt's macro ``factors_applied``).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from orchestration.optional_factors import OptionalSetError, Row, read_csv

NAME = "electricity_maps"
LICENCE = "ODbL 1.0"
_DQ_SCORE = "4"
_GRAMS = re.compile(r"^g_co2e_per_kwh_(20\d\d)$")
_NEEDED = ("zone_id", "zone_name", "basis", "accounting", "source", "url", "licence")
_ZONE = re.compile(r"^[A-Z0-9]+(-[A-Z0-9]+)*$")


@dataclass(frozen=True, slots=True)
class ZoneFigure:
    """Grid intensity of a zone in a calendar year, in gCO2e/kWh, as written in the file."""

    zone_id: str
    zone_name: str
    year: int
    grams_per_kwh: str
    accounting: str
    source: str
    url: str


@dataclass(slots=True)
class Merged:
    """Rows of the set after an edition was added, and what became of its figures."""

    rows: list[Row]
    added: int = 0
    corrected: int = 0
    kept: int = 0


def read_edition(path: Path) -> list[ZoneFigure]:
    """All figures of a file of Electricity Maps; a year without a figure is left out.

    Raises ``OptionalSetError`` naming the column or line when it is not such a file.
    """
    figures: list[ZoneFigure] = []
    lines: dict[str, int] = {}
    for line, row in read_csv(path):
        if line == 1:
            _check_columns(path.name, row)
            continue
        where = f"{path.name}, line {line}"
        _check_row(where, row)
        if row["zone_id"] in lines:
            first = lines[row["zone_id"]]
            raise OptionalSetError(f"{where}: zone {row['zone_id']} stands in line {first} already")
        lines[row["zone_id"]] = line
        figures += _figures(where, row)
    if not figures:
        raise OptionalSetError(f"{path.name} holds no figure")
    return figures


def _check_columns(name: str, header: Row) -> None:
    missing = [column for column in _NEEDED if column not in header]
    if not any(_GRAMS.match(column) for column in header):
        missing.append("g_co2e_per_kwh_YYYY")
    if missing:
        raise OptionalSetError(
            f"{name} is not a file of Electricity Maps' zones: it lacks {', '.join(missing)}"
        )


def _check_row(where: str, row: Row) -> None:
    if not _ZONE.match(row["zone_id"]):
        raise OptionalSetError(f"{where}: zone_id {row['zone_id']!r} is not a zone")
    if row["basis"] != "lifecycle":
        raise OptionalSetError(f"{where}: basis {row['basis']!r} is not lifecycle")
    if not row["accounting"].startswith("consumption"):
        raise OptionalSetError(f"{where}: accounting {row['accounting']!r} is not consumption")
    if row["licence"] != LICENCE:
        raise OptionalSetError(f"{where}: licence {row['licence']!r} is not {LICENCE}")
    for column in ("source", "url"):
        if not row[column].strip():
            raise OptionalSetError(f"{where}: no {column}")


def _figures(where: str, row: Row) -> list[ZoneFigure]:
    found = []
    for column, text in row.items():
        match = _GRAMS.match(column)
        if match is None or not text.strip():
            continue
        _check_grams(f"{where}: {column}", text)
        texts = (row[name] for name in ("accounting", "source", "url"))
        figure = ZoneFigure(row["zone_id"], row["zone_name"], int(match[1]), text.strip(), *texts)
        found.append(figure)
    return sorted(found, key=lambda figure: figure.year)


def _check_grams(what: str, text: str) -> None:
    try:
        grams = float(text)
    except ValueError:
        grams = math.nan
    if not (math.isfinite(grams) and grams >= 0):
        raise OptionalSetError(f"{what} {text!r} is not a number of at least 0")


def merge(installed: list[Row], figures: list[ZoneFigure], published_on: date) -> Merged:
    """The installed rows with an edition's figures, published on a day.

    A row is never overwritten: figures that are there keep the day they were published, so months
    frozen since keep what they were reported with; a year that follows closes the one before; a
    figure that changed becomes a row that corrects the former. Only what was added the same day is
    replaced. Raises ``OptionalSetError`` when rows were published after that day.
    """
    later = max((row["published_at"] for row in installed), default="")
    if later > published_on.isoformat():
        raise OptionalSetError(
            f"the set has rows published on {later}: choose that day or a later one"
        )
    merged = Merged([dict(row) for row in installed])
    standing = _standing(merged.rows)
    edition = f"electricity-maps-{max(figure.year for figure in figures)}"
    for figure in figures:
        new = _row(figure, edition, published_on)
        place = new["key"], new["valid_from"]
        former = standing.get(place)
        if former is not None and float(former["value_mid"]) == float(new["value_mid"]):
            merged.kept += 1
            continue
        if former is None:
            merged.added += 1
        else:
            merged.corrected += 1
            if former["published_at"] == new["published_at"]:
                new |= {name: former[name] for name in ("factor_id", "supersedes_id")}
                merged.rows.remove(former)
            else:
                number = 1 + sum((r["key"], r["valid_from"]) == place for r in merged.rows)
                new["factor_id"] += f":{number}"
                new["supersedes_id"] = former["factor_id"]
        merged.rows.append(new)
        standing[place] = new
    _close(standing, merged.rows)
    return merged


def _row(figure: ZoneFigure, edition: str, published_on: date) -> Row:
    key, begins = f"em:{figure.zone_id}", f"{figure.year}-01-01"
    return {
        "factor_id": f"grid_location:{key}:{begins}",
        "factor_type": "grid_location",
        "key": key,
        **dict.fromkeys(("value_low", "value_mid", "value_high"), figure.grams_per_kwh),
        "unit": "gCO2e/kWh",
        "basis": "life cycle",
        "method": f"{figure.accounting}, location-based, annual mean",
        "data_year": str(figure.year),
        "valid_from": begins,
        "valid_to": "",
        "published_at": published_on.isoformat(),
        "source": figure.source,
        "source_url": figure.url,
        "licence": LICENCE,
        "dq_score": _DQ_SCORE,
        "supersedes_id": "",
        "factor_set_id": edition,
        "note": figure.zone_name,
    }


def _standing(rows: list[Row]) -> dict[tuple[str, str], Row]:
    """The row of each key and first day that no other corrects."""
    standing: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: row["published_at"]):
        standing[row["key"], row["valid_from"]] = row
    return standing


def _close(standing: dict[tuple[str, str], Row], rows: list[Row]) -> None:
    """Let each row end where the next year's begins, which names it as its predecessor."""
    begins: dict[str, list[str]] = {}
    for key, first in sorted(standing):
        begins.setdefault(key, []).append(first)
    after = {
        (key, first): following
        for key, days in begins.items()
        for first, following in pairwise(days)
    }
    before = {(key, following): first for (key, first), following in after.items()}
    for row in rows:
        place = row["key"], row["valid_from"]
        row["valid_to"] = after.get(place, "")
        if not row["supersedes_id"] and place in before:
            row["supersedes_id"] = standing[row["key"], before[place]]["factor_id"]
