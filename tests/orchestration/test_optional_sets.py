"""Optional factor sets: the commands, what a file must be, and that they are judged like seeds."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from ecomind.cli import main
from ecomind.settings import SEEDS_DIR, Settings
from orchestration import factor_candidate, factor_files
from orchestration.electricity_maps import merge, read_edition
from orchestration.factor_candidate import FactorsRefused, judge
from orchestration.optional_factors import (
    COLUMNS,
    OptionalSetError,
    Row,
    installed_sets,
    read_set,
    set_path,
    write_set,
)
from orchestration.runs import load_job_name
from tests.support import dbt_process
from tests.support.electricity_maps import GRAMS, ROWS_COUNT, write_zones, zone

DAY = date(2026, 10, 25)
NEXT_DAY = DAY + timedelta(days=1)


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, [str(word) for word in arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    return write_zones(tmp_path / "zones.csv")


def add(settings: Settings, zones: Path) -> Path:
    run("factors", "add-electricity-maps", zones, "--published-on", DAY.isoformat())
    return set_path(settings, "electricity_maps")


def test_columns_are_those_of_every_factor_file() -> None:
    for path in SEEDS_DIR.glob("factor_*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            assert tuple(next(csv.reader(lines))) == COLUMNS, path.name


def test_a_set_is_added_listed_and_removed(settings: Settings, zones: Path) -> None:
    assert "no optional set" in run("factors", "sets")
    told = run("factors", "add-electricity-maps", zones)
    assert f"{ROWS_COUNT} rows; {len(GRAMS)} zones, years 2024, 2025" in told
    for words in ("ODbL 1.0", "same licence", "name Electricity Maps", "ecomind load"):
        assert words in told
    listed = run("factors", "sets")
    for cell in ("electricity_maps", "electricity-maps-2025", str(ROWS_COUNT), "ODbL 1.0"):
        assert cell in listed
    [plain] = json.loads(run("factors", "sets", "--json"))
    assert (plain["rows"], plain["licences"]) == (ROWS_COUNT, ["ODbL 1.0"])
    assert plain["published_on"] == [f"{datetime.now(UTC):%Y-%m-%d}"]
    assert "removed factor_electricity_maps.csv" in run("factors", "remove-set", "electricity-maps")
    assert not list(settings.optional_factors_dir.iterdir())
    told = run("factors", "remove-set", "electricity_maps", code=1)
    assert "there is no optional set" in told


def test_rows_of_a_zone(settings: Settings, zones: Path) -> None:
    rows = {row["factor_id"]: row for row in read_set(add(settings, zones))}
    earlier, later = (rows[f"grid_location:em:DE:{year}-01-01"] for year in (2024, 2025))
    assert earlier == {
        "factor_id": "grid_location:em:DE:2024-01-01",
        "factor_type": "grid_location",
        "key": "em:DE",
        "value_low": "420",
        "value_mid": "420",
        "value_high": "420",
        "unit": "gCO2e/kWh",
        "basis": "life cycle",
        "method": "consumption (flow-traced), location-based, annual mean",
        "data_year": "2024",
        "valid_from": "2024-01-01",
        "valid_to": "2025-01-01",
        "published_at": "2026-10-25",
        "source": "invented for a test",
        "source_url": "https://example.org/zones",
        "licence": "ODbL 1.0",
        "dq_score": "4",
        "supersedes_id": "",
        "factor_set_id": "electricity-maps-2025",
        "note": "Invented DE",
    }
    assert (later["value_mid"], later["valid_to"]) == ("400", "")
    assert later["supersedes_id"] == earlier["factor_id"]
    india = [row for row in rows.values() if row["key"] == "em:IN"]
    assert [(row["valid_from"], row["valid_to"]) for row in india] == [("2025-01-01", "")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"g_co2e_per_kwh_2025": "many"}, "line 2: g_co2e_per_kwh_2025 'many' is not a number"),
        ({"g_co2e_per_kwh_2024": "-1"}, "'-1' is not a number of at least 0"),
        ({"g_co2e_per_kwh_2024": "nan"}, "'nan' is not a number of at least 0"),
        ({"basis": "direct"}, "line 2: basis 'direct' is not lifecycle"),
        ({"accounting": "production"}, "accounting 'production' is not consumption"),
        ({"licence": "MIT"}, "licence 'MIT' is not ODbL 1.0"),
        ({"zone_id": "de'"}, "is not a zone"),
        ({"source": " "}, "line 2: no source"),
        ({"g_co2e_per_kwh_2025": "", "g_co2e_per_kwh_2024": ""}, "holds no figure"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(
    settings: Settings, tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    path = write_zones(tmp_path / "zones.csv", zone("DE", "400", "420", **change))
    told = run("factors", "add-electricity-maps", path, code=1)
    assert reason in told
    assert told.count("\n") == 1
    assert not settings.optional_factors_dir.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"\xff\xfe", "not text in UTF-8"),
        (
            b"zone_id,value\nDE,400\n",
            "is not a file of Electricity Maps' zones: it lacks zone_name",
        ),
        (b"zone_id,value\nDE\n", "it lacks"),
        (b'zone_id,"value\n', "unexpected end of data"),
    ],
    ids=["missing", "empty", "binary", "other", "short", "quote"],
)
def test_what_is_no_such_file_is_refused(
    settings: Settings, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "zones.csv"
    if content is not None:
        path.write_bytes(content)
    assert reason in run("factors", "add-electricity-maps", path, code=1)


def test_a_zone_twice_is_refused(settings: Settings, tmp_path: Path) -> None:
    twice = write_zones(tmp_path / "z.csv", zone("DE", "1", "2"), zone("DE", "3", "4"))
    with pytest.raises(OptionalSetError, match="line 3: zone DE stands in line 2 already"):
        read_edition(twice)


def test_a_day_to_come_is_refused(settings: Settings, zones: Path) -> None:
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert "not over yet" in run(
        "factors", "add-electricity-maps", zones, "--published-on", day, code=1
    )


def by_id(rows: list[Row]) -> dict[str, Row]:
    return {row["factor_id"]: row for row in rows}


def test_adding_again_keeps_the_day_of_what_is_there(settings: Settings, zones: Path) -> None:
    before = read_set(add(settings, zones))
    told = run("factors", "add-electricity-maps", zones)
    assert f"0 rows added, 0 corrected, {ROWS_COUNT} there already" in told
    assert read_set(set_path(settings, "electricity_maps")) == before


def test_a_later_edition_adds_a_year_and_corrects_the_one_before(tmp_path: Path) -> None:
    first = merge([], read_edition(write_zones(tmp_path / "1.csv", zone("DE", "400", "420"))), DAY)
    row = {name.replace("2024", "2026"): value for name, value in zone("DE", "390", "380").items()}
    merged = merge(first.rows, read_edition(write_zones(tmp_path / "2.csv", row)), NEXT_DAY)
    assert (merged.added, merged.corrected, merged.kept) == (1, 1, 0)
    rows = by_id(merged.rows)
    name = "grid_location:em:DE:"
    spans = {row_id: (row["valid_from"], row["valid_to"]) for row_id, row in rows.items()}
    assert spans == {
        f"{name}2024-01-01": ("2024-01-01", "2025-01-01"),
        f"{name}2025-01-01": ("2025-01-01", "2026-01-01"),
        f"{name}2025-01-01:2": ("2025-01-01", "2026-01-01"),
        f"{name}2026-01-01": ("2026-01-01", ""),
    }
    assert rows[f"{name}2025-01-01"]["value_mid"] == "400"
    assert rows[f"{name}2025-01-01:2"]["value_mid"] == "390"
    assert rows[f"{name}2025-01-01:2"]["supersedes_id"] == f"{name}2025-01-01"
    assert rows[f"{name}2026-01-01"]["supersedes_id"] == f"{name}2025-01-01:2"
    assert {row["factor_set_id"] for row in merged.rows} == {
        "electricity-maps-2025",
        "electricity-maps-2026",
    }


def test_what_was_added_the_same_day_is_replaced(tmp_path: Path) -> None:
    first = merge([], read_edition(write_zones(tmp_path / "1.csv", zone("DE", "4", "420"))), DAY)
    mended = read_edition(write_zones(tmp_path / "2.csv", zone("DE", "400", "420")))
    again = merge(first.rows, mended, DAY)
    assert sorted(row["value_mid"] for row in again.rows) == ["400", "420"]
    assert by_id(again.rows)["grid_location:em:DE:2025-01-01"]["supersedes_id"]
    with pytest.raises(OptionalSetError, match="choose that day or a later one"):
        merge(again.rows, mended, DAY - timedelta(days=1))


@pytest.fixture
def empty(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation before its first load, and dbt without its start."""
    monkeypatch.setattr(factor_candidate, "run_dbt", dbt_process.run_dbt)
    settings.warehouse_dir.mkdir(parents=True)
    duckdb.connect(settings.raw_database).close()
    return settings


def test_a_set_asks_for_a_rebuild_and_so_does_its_removal(empty: Settings, zones: Path) -> None:
    empty.marts_database.touch()
    with factor_files.loading(empty):
        pass
    path = add(empty, zones)
    assert load_job_name(empty) == "rebuild"
    factor_files.refuse(empty)
    assert load_job_name(empty) == "refresh", "the set in force stays"
    path.unlink()
    assert load_job_name(empty) == "refresh", "the set in force is that of the files"
    write_set(path, [])
    assert load_job_name(empty) == "rebuild"


def change(path: Path, *changes: tuple[int, dict[str, str]]) -> None:
    rows = read_set(path)
    for i, values in changes:
        rows[i].update(values)
    write_set(path, rows)


def refusal(settings: Settings) -> str:
    with pytest.raises(FactorsRefused) as refused:
        judge(settings)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_sound_sets_and_later_editions_pass(empty: Settings, zones: Path, tmp_path: Path) -> None:
    path = add(empty, zones)
    corrected = read_edition(write_zones(tmp_path / "2.csv", zone("DE", "390", "421")))
    write_set(path, merge(read_set(path), corrected, NEXT_DAY).rows)
    with (SEEDS_DIR / "factor_grid_country.csv").open(encoding="utf-8", newline="") as lines:
        [shipped] = [
            row for row in csv.DictReader(lines) if row["factor_id"].endswith("SWE:2025-01-01")
        ]
    own = {"factor_id": "mine", "supersedes_id": shipped["factor_id"], "factor_set_id": "mine"}
    later = (date.fromisoformat(shipped["published_at"]) + timedelta(days=1)).isoformat()
    write_set(path.with_name("factor_mine.csv"), [shipped | own | {"published_at": later}])
    judge(empty)


def test_figures_that_make_no_sense_are_refused_with_row_and_reason(
    empty: Settings, zones: Path
) -> None:
    shipped = {"key": "SWE", "factor_id": "grid_location:SWE:mine", "valid_to": ""}
    own: dict[str, Any] = {"factor_set_id": "ecomind-2026.11"}
    change(
        add(empty, zones),
        (0, {"value_low": "421"}), (1, {"unit": "kg"}), (2, shipped), (3, own),
    )  # fmt: skip
    told = refusal(empty)
    assert re.search(r"low mid high are in order: [^;]*em:DE:2024-01-01, value_low 421", told)
    assert re.search(r"units are accepted: [^;]*em:DE:2025-01-01[^;]* unit kg", told)
    assert re.search(r"validities do not overlap: [^;]*SWE:mine", told)
    assert re.search(r"optional sets have names of their own: [^;]*ecomind-2026.11", told)


def test_rows_without_source_or_licence_are_refused(empty: Settings, zones: Path) -> None:
    change(add(empty, zones), (0, {"licence": ""}), (1, {"source_url": ""}))
    told = refusal(empty)
    assert re.search(r"optional factors lack nothing: [^;]*em:DE:2024-01-01, missing licence", told)
    assert re.search(
        r"optional factors lack nothing: [^;]*em:DE:2025-01-01, missing source_url", told
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("valid_to", "valid_until", "has not exactly the columns"),
        (",420,420,420,", ",420,many,420,", "line 2: value_mid 'many' is not a finite number"),
        (",2024-01-01,2025-01-01,", ",2024-01-32,2025-01-01,", "line 2: valid_from '2024-01-32'"),
        (",420,420,420,", ",420,420,", "line 2: 19 fields instead of 20"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(
    empty: Settings, zones: Path, old: str, new: str, reason: str
) -> None:
    path = add(empty, zones)
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    told = refusal(empty)
    assert "factor_electricity_maps.csv" in told
    assert reason in told
    with pytest.raises(OptionalSetError):
        installed_sets(empty)
    run("factors", "remove-set", "electricity_maps")


def test_a_folder_whose_name_looks_like_a_pattern_is_read(
    tmp_path: Path, zones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.dbt import optional_factors_pattern  # noqa: PLC0415

    folder = tmp_path / "a[1] it's*"
    write_set(folder / "factor_x.csv", merge([], read_edition(zones), DAY).rows)
    pattern = optional_factors_pattern(folder)
    found = duckdb.execute("select count(*) from read_csv($1)", [pattern]).fetchall()
    assert found == [(ROWS_COUNT,)]


REAL = SEEDS_DIR.parents[1] / "shared/data/factors/grid_zone_electricitymaps2025_ODbL.csv"


@pytest.mark.skipif(not REAL.is_file(), reason="the ODbL file is not part of the project")
def test_the_real_file_is_read_and_passes(empty: Settings) -> None:
    told = run("factors", "add-electricity-maps", REAL)
    assert "704 rows; 352 zones" in told
    judge(empty)
