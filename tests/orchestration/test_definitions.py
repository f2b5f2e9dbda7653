"""The code location: what is in it, what runs by itself, what guards publication."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from ecomind.settings import Settings
from orchestration.names import (
    DATA_DOCS,
    DBT_DOCS,
    LANDED_FILES,
    MONTHLY_REPORT,
    ORG_MART,
    SNAPSHOT,
    WAREHOUSE_AUDIT,
    WAREHOUSE_POOL,
    raw_key,
)
from tests.dbt_project.raw_store import RawStore
from tests.support.landing import event_row, land_events


@pytest.fixture(scope="module")
def location(code_location: Callable[[], dg.Definitions]) -> dg.Definitions:
    return code_location()


def test_every_stage_of_the_journey_is_an_asset(location: dg.Definitions) -> None:
    graph = location.resolve_asset_graph()
    keys = set(graph.get_all_asset_keys())
    stages = {LANDED_FILES, raw_key("usage_events"), ORG_MART, SNAPSHOT, MONTHLY_REPORT}
    assert stages | {DBT_DOCS, DATA_DOCS, WAREHOUSE_AUDIT} <= keys
    groups = {graph.get(key).group_name for key in keys}
    expected = {"landing", "raw", "staging", "intermediate", "marts", "serving", "reports", "audit"}
    assert groups == expected | {"factors"}


def test_the_graph_leads_from_landed_files_to_the_report(location: dg.Definitions) -> None:
    graph = location.resolve_asset_graph()
    reached, waiting = set(), {LANDED_FILES}
    while waiting:
        key = waiting.pop()
        reached.add(key)
        waiting |= graph.get(key).child_keys - reached
    assert {raw_key("usage_events"), ORG_MART, SNAPSHOT, MONTHLY_REPORT, DATA_DOCS} <= reached


def test_a_refresh_loads_before_it_builds_and_checks_before_it_publishes(
    location: dg.Definitions,
) -> None:
    """A run has no order but this: steps may start as soon as what they depend on is done."""
    job = location.resolve_job_def("refresh")
    before = {
        step.name: {
            output.node_name
            for outputs in job.dependency_structure.input_to_upstream_outputs_for_node(
                step.name
            ).values()
            for output in outputs
        }
        for step in job.nodes
    }
    check = "mart__org_footprint_daily_every_load_is_in_the_marts"
    assert before["load"] == set()
    assert before["marts"] == {"load"}
    assert before[check] == {"marts"}
    assert {"marts", check} <= before["serving__snapshot"]


def test_every_step_that_opens_the_warehouse_waits_in_the_pool(location: dg.Definitions) -> None:
    for assets in location.resolve_all_asset_specs():
        assert assets.key.path[0] != ""
    in_pool = {
        key.path[0]
        for assets in location.assets or []
        if isinstance(assets, dg.AssetsDefinition)
        for key in assets.keys
        if assets.op.pool == WAREHOUSE_POOL
    }
    assert {"raw", "factors", "staging", "intermediate", "mart", "reporting", "serving"} <= in_pool


def test_everything_runs_by_itself(location: dg.Definitions) -> None:
    repository = location.get_repository_def()
    sensors = {sensor.name: sensor.default_status for sensor in repository.sensor_defs}
    assert set(sensors) == {
        "landed_files",
        "threshold_alerts",
        "requested_reports",
        "privacy_requests_waiting",
    }
    assert set(sensors.values()) == {dg.DefaultSensorStatus.RUNNING}
    schedules = {schedule.name: schedule.default_status for schedule in repository.schedule_defs}
    assert set(schedules) == {
        "nightly_audit",
        "daily_documents",
        "daily_refresh",
        "daily_retention",
        "monthly_reports",
    }
    assert set(schedules.values()) == {dg.DefaultScheduleStatus.RUNNING}


def test_publication_is_guarded_by_a_blocking_check(location: dg.Definitions) -> None:
    graph = location.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert "every_load_is_in_the_marts" in blocking
    on_marts = [key for key in graph.asset_check_keys if key.asset_key == ORG_MART]
    assert len(on_marts) >= 3, "dbt's tests of the mart are not checks of the asset"


def _landed_files_tick(cursor: str | None, instance: dg.DagsterInstance) -> dg.SensorResult | None:
    from orchestration.defs.schedules import landed_files_sensor  # noqa: PLC0415

    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    result = landed_files_sensor(context)
    return result if isinstance(result, dg.SensorResult) else None


def test_the_sensor_asks_for_one_refresh_per_landing(
    location: dg.Definitions, settings: Settings
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert _landed_files_tick(None, instance) is None
        land_events(settings.landing_dir, 1, [event_row("a")])
        first = _landed_files_tick(None, instance)
        assert first is not None
        assert len(first.run_requests or []) == 1
        assert _landed_files_tick(first.cursor, instance) is None
        land_events(settings.landing_dir, 2, [event_row("b")])
        second = _landed_files_tick(first.cursor, instance)
        assert second is not None
        assert second.cursor != first.cursor


def _freeze(settings: Settings, month: str) -> None:
    from ecomind.identity import open_store  # noqa: PLC0415

    store = open_store(settings)
    if not store.organizations.rows():
        store.organizations.create("acme", "Acme")
    store.freezes.freeze("acme", month)


def _build(settings: Settings) -> None:
    """The marks of a load and build of what the control store holds, without either."""
    from ecomind.identity import open_store  # noqa: PLC0415
    from orchestration.factor_files import loading  # noqa: PLC0415

    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    settings.marts_database.touch()
    with RawStore(settings.raw_database) as raw:
        raw.execute("delete from raw.control_period_freezes")
        raw.append("control_period_freezes", open_store(settings).freezes.rows(), "1")
    with loading(settings):
        pass


def _started(result: dg.SensorResult | None) -> list[str | None]:
    return [request.job_name for request in (result.run_requests or [])] if result else []


def test_the_sensor_asks_for_one_rebuild_when_something_was_recorded(
    location: dg.Definitions, settings: Settings
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        _freeze(settings, "2026-01")
        assert _landed_files_tick(None, instance) is None, "there is nothing to compute yet"
        land_events(settings.landing_dir, 1, [event_row("a")])
        first = _landed_files_tick(None, instance)
        assert first is not None
        assert _started(first) == ["rebuild"]
        _build(settings)
        assert _landed_files_tick(first.cursor, instance) is None

        _freeze(settings, "2026-02")
        second = _landed_files_tick(first.cursor, instance)
        assert second is not None
        assert _started(second) == ["rebuild"]
        assert _landed_files_tick(second.cursor, instance) is None, "a failed load would repeat"
        _build(settings)
        assert _landed_files_tick(second.cursor, instance) is None, "nothing is new any more"


def test_the_sensor_leaves_alone_what_a_command_has_applied(
    location: dg.Definitions, settings: Settings
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        land_events(settings.landing_dir, 1, [event_row("a")])
        first = _landed_files_tick(None, instance)
        assert first is not None
        _freeze(settings, "2026-01")
        _build(settings)
        assert _landed_files_tick(first.cursor, instance) is None
        land_events(settings.landing_dir, 2, [event_row("b")])
        assert _started(_landed_files_tick(first.cursor, instance)) == ["refresh"]


def test_files_mended_after_a_refusal_are_loaded_once_more(
    location: dg.Definitions, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration import factor_files  # noqa: PLC0415

    monkeypatch.setattr(factor_files, "SEEDS_DIR", tmp_path)
    file = tmp_path / "factor_x.csv"
    file.write_text("sound")
    land_events(settings.landing_dir, 1, [event_row("a")])
    _build(settings)
    keys: list[str | None] = []
    with dg.DagsterInstance.ephemeral() as instance:
        file.write_text("broken")
        tick = _landed_files_tick(None, instance)
        while tick is not None:
            assert len(keys) < 5, "the sensor starts loads for ever"
            keys += [request.run_key for request in tick.run_requests or []]
            if _started(tick) == ["rebuild"] and file.read_text() == "broken":
                factor_files.refuse(settings)
            if _started(tick) == ["refresh"]:
                file.write_text("mended")
            tick = _landed_files_tick(tick.cursor, instance)
    assert len(keys) == len(set(keys)) == 3, "the rebuild, what it left out, the mended files"


def test_monthly_reports_ask_for_the_month_before(
    location: dg.Definitions, settings: Settings, tmp_path: Path
) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    from ecomind.identity import open_store  # noqa: PLC0415
    from orchestration.defs.schedules import monthly_reports  # noqa: PLC0415

    (tmp_path / "dagster").mkdir()
    open_store(settings).organizations.create("acme", "Acme")
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=datetime(2026, 3, 2, 4, tzinfo=UTC)
        )
        requests = list(monthly_reports(context))
    assert [request.partition_key for request in requests] == [
        dg.MultiPartitionKey({"month": "2026-02-01", "organization": "acme"})
    ]


def test_the_instance_file_is_understood(settings: Settings, tmp_path: Path) -> None:
    from orchestration.runs import INSTANCE_FILE  # noqa: PLC0415

    (tmp_path / "dagster.yaml").write_bytes(INSTANCE_FILE.read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
