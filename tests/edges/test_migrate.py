"""The schema comes up once, on every PostgreSQL, whichever process brings it up."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from batches import door, messages, position, press
from typer.testing import CliRunner

from core.errors import CarewatchError
from deploy.cli import app
from deploy.migrate import MIGRATIONS, migrate, migrations
from ingest import history
from ingest.lanes.inheritance import old_slots
from ingest.lanes.slots import session_suffix
from ingest.store import upkeep
from ingest.store.save import save
from tests.clock import utc_now

pytestmark = pytest.mark.edge


@pytest.fixture
def empty_url(database_cluster: str) -> str:
    """A database with nothing in it."""
    with psycopg.connect(database_cluster, autocommit=True) as conn:
        conn.execute("DROP DATABASE IF EXISTS nothing")
        conn.execute("CREATE DATABASE nothing")
    return database_cluster.replace("/postgres?", "/nothing?", 1)


def test_a_second_run_finds_nothing_to_do(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        assert migrate(conn) == []
        (count,) = conn.execute("SELECT count(*) FROM migration").fetchone() or (0,)
    assert count == len(migrations())


def test_two_at_once_run_each_file_once(empty_url: str) -> None:
    def bring_up(_: int) -> list[str]:
        with psycopg.connect(empty_url) as conn:
            return migrate(conn)

    with ThreadPoolExecutor() as pool:
        one, two = sorted(pool.map(bring_up, range(2)), key=len)
    assert one == []
    assert two == [migration.name for migration in migrations()]


def test_a_file_that_fails_leaves_nothing(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE good (n int)")
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE bad (n int); SELECT 1/0")
    with psycopg.connect(empty_url) as conn:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(conn, tmp_path)
        tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchall() == []


def test_two_files_of_one_number_are_a_fault(tmp_path: Path) -> None:
    for name in ("0001_one.sql", "0001_two.sql", "notes.sql"):
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(CarewatchError, match="share a number"):
        migrations(tmp_path)


def test_sessions_of_an_earlier_release_are_remembered(empty_url: str, tmp_path: Path) -> None:
    for each in MIGRATIONS.iterdir():
        if each.name < "0020":
            shutil.copy(each, tmp_path)
    with psycopg.connect(empty_url) as conn:
        migrate(conn, tmp_path)
        conn.execute("INSERT INTO ingest_slot (slot, worker) VALUES ('life', 1), ('bulk-1', 1)")
        conn.execute("INSERT INTO first_delivery VALUES ('life', 7, 'x', now())")
        migrate(conn)
        assert old_slots(conn) == ["bulk-1", "life"]
        assert conn.execute("SELECT slot FROM first_delivery").fetchall() == [("old-life",)]
        assert len(session_suffix(conn)) == 32


def test_the_command(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", empty_url)
    first = CliRunner().invoke(app, ["migrate"])
    assert first.stdout.splitlines() == [migration.name for migration in migrations()]
    second = CliRunner().invoke(app, ["migrate"])
    assert second.stdout == "nothing to do: the schema is up\n"


def test_a_database_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", "postgresql://nobody@/nothing?host=/nonexistent")
    result = CliRunner().invoke(app, ["migrate"])
    assert isinstance(result.exception, CarewatchError)
    assert "does not answer" in str(result.exception)


def test_debian_s_postgresql_serves_as_well(debian_database_url: str) -> None:
    now = utc_now()
    with psycopg.connect(debian_database_url, autocommit=True) as conn:
        migrate(conn)
        assert migrate(conn) == []
        batch = messages(position(1), door(2), press(3), position(4, observed_at=now))
        assert save(conn, [*batch, *batch[:1]]).outcomes == ("stored",) * 4 + ("duplicate",)
        assert save(conn, batch).outcomes == ("duplicate",) * 4
        upkeep.run(conn, now=now + timedelta(days=92))
        assert [each.id for each in history.readings(conn)] == ["s3", "d2"]
        assert sum(each.readings for each in history.hour_counts(conn, *ever())) == 4


def ever() -> tuple[datetime, datetime]:
    return datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
