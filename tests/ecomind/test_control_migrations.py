"""Revisions of the control store: up, down and up again, and stores made before there were any."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import Engine, text

from ecomind.cli import main
from ecomind.identity import IdentityError, Role, migrations, open_store
from ecomind.identity.database import open_engine, writing
from ecomind.identity.tables import Base
from ecomind.settings import Settings


@pytest.fixture
def engine(control_url: str) -> Iterator[Engine]:
    opened = open_engine(control_url)
    yield opened
    opened.dispose()


def differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def execute(engine: Engine, *statements: str) -> None:
    with writing(engine) as connection, connection.begin():
        for statement in statements:
            connection.execute(text(statement))


def test_the_revisions_are_the_files(control_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    walked = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(script.revision for script in walked) == migrations.REVISIONS[::-1]


def test_the_newest_revision_is_what_the_models_say(engine: Engine) -> None:
    assert migrations.upgrade(engine) == (None, migrations.REVISIONS[-1])
    assert differences(engine) == []
    execute(engine, "ALTER TABLE api_key DROP COLUMN scopes")
    assert differences(engine) != []


def test_up_down_and_up_again_keeps_what_both_know(either: Settings, engine: Engine) -> None:
    store = open_store(either)
    store.organizations.create("acme", "Acme")
    store.directory.create_team("acme", "search", "Search")
    user_id = store.directory.create_user("acme", "bob", "Bob", "search")
    key, _ = store.keys.create("acme", Role.INGEST, "gateway")
    store.freezes.freeze("acme", "2024-02")
    frozen = store.freezes.rows()
    store.close()
    newest = migrations.REVISIONS[-1]
    assert migrations.downgrade(engine, "0001") == (newest, "0001")
    assert migrations.downgrade(engine, newest) == ("0001", "0001")
    assert migrations.upgrade(engine) == ("0001", newest)
    assert differences(engine) == []
    store = open_store(either)
    principal = store.authenticate(key)
    assert principal is not None
    assert principal.org_id == "acme"
    assert [row["user_id"] for row in store.directory.users()] == [user_id]
    assert store.freezes.rows() == frozen
    assert migrations.downgrade(engine, "base") == (newest, None)
    assert migrations.upgrade(engine) == (None, newest)
    store.close()


def test_a_store_made_before_there_were_revisions_is_adopted(
    either: Settings, engine: Engine
) -> None:
    store = open_store(either)
    store.organizations.create("acme", "Acme")
    key, _ = store.keys.create("acme", Role.INGEST, "old")
    store.close()
    migrations.downgrade(engine, "0001")
    execute(
        engine,
        "DROP TABLE alembic_version",
        "DROP TABLE import_part",
        "ALTER TABLE api_key DROP COLUMN origins",
        "ALTER TABLE api_key DROP COLUMN events_per_min",
    )
    store = open_store(either)
    assert store.authenticate(key) is not None
    origin = "chrome-extension://abcdefghijklmnop"
    _, info = store.keys.create("acme", Role.BROWSER, "new", origins=[origin])
    assert info.origins == (origin,)
    assert differences(engine) == []
    store.close()


def test_a_store_of_a_later_version_is_refused_and_left_alone(
    either: Settings, engine: Engine
) -> None:
    open_store(either).close()
    execute(engine, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(IdentityError, match="revision 9999, of a later version of EcoMind"):
        open_store(either)
    with engine.connect() as connection:
        assert migrations.current(connection) == "9999"


def test_many_services_may_start_at_once(either: Settings) -> None:
    failed: list[Exception] = []
    ready = threading.Barrier(6)

    def start() -> None:
        ready.wait()
        try:
            open_store(either).close()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_the_command_says_where_it_is_and_goes(either: Settings) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["control", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    newest = migrations.REVISIONS[-1]
    assert "before the first revision" in run("current")
    assert f"nothing -> {newest}" in run("upgrade")
    assert f"already at {newest}" in run("upgrade")
    assert f"{newest} -> 0001" in run("downgrade", "0001", "--yes")
    assert run("current").startswith("0001;")
