"""The versions of the rule settings on a real PostgreSQL, and what a load does to them."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from alerts.plans.versions import enable, in_force, versions
from alerts.types import TownSettings
from core.errors import CarewatchError
from deploy.cli import app
from deploy.town.loading import load_town
from deploy.town.townfile import parse_town

pytestmark = pytest.mark.edge
REGISTER = "clients: [{id: c-1}]\n"
SIXTY = REGISTER + "rules: {door_left_open: {minutes: 60}}\n"
NINETY = REGISTER + "rules: {door_left_open: {minutes: 90}}\n"
THIRTY = TownSettings({"door_left_open": {"minutes": 30.0}})


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection]:
    """A town whose file says 60 minutes, where a person has enabled 30 since."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        load_town(conn, parse_town(SIXTY))
        assert enable(conn, THIRTY, tried_on=1, by="u-1", note="Doors stood open") == 2
        yield conn


def minutes(conn: psycopg.Connection) -> object:
    return in_force(conn).settings.rules["door_left_open"]["minutes"]


def test_each_change_is_a_version_with_who_when_why_and_what_was(conn: psycopg.Connection) -> None:
    second, first = versions(conn)
    assert (first.number, first.by, first.note) == (1, "load", "")
    assert (second.number, second.by, second.note) == (2, "u-1", "Doors stood open")
    assert second.at >= first.at
    assert second.settings == THIRTY
    assert [str(one) for one in second.differences] == [
        "door_left_open.minutes (everywhere): 60.0 -> 30.0"
    ]


def test_settings_tried_on_another_version_are_refused(conn: psycopg.Connection) -> None:
    with pytest.raises(CarewatchError, match="version 2 has come into force since"):
        enable(conn, TownSettings(), tried_on=1, by="u-1", note="Again")
    with pytest.raises(CarewatchError, match="these are in force already"):
        enable(conn, THIRTY, tried_on=2, by="u-1", note="Again")
    with pytest.raises(CarewatchError, match="say in a few words"):
        enable(conn, TownSettings(), tried_on=2, by="u-1", note=" ")
    assert len(versions(conn)) == 2


def test_a_file_that_says_what_it_said_leaves_them_in_force(conn: psycopg.Connection) -> None:
    for _ in range(2):
        loaded = load_town(conn, parse_town(SIXTY + "areas: [{id: wangji}]"))
        assert [str(one) for one in loaded.kept] == [
            "door_left_open.minutes (everywhere): 30.0 -> 60.0"
        ]
        assert minutes(conn) == 30
    assert len(versions(conn)) == 2


def test_a_file_that_says_the_same_has_the_say_again(conn: psycopg.Connection) -> None:
    loaded = load_town(conn, parse_town(SIXTY.replace("60", "30")))
    assert loaded.kept == ()
    assert in_force(conn).in_file is None
    load_town(conn, parse_town(NINETY))
    assert minutes(conn) == 90
    assert versions(conn)[0].number == 3


def test_a_file_that_has_changed_too_changes_nothing_until_somebody_chooses(
    conn: psycopg.Connection,
) -> None:
    town = parse_town(NINETY + "areas: [{id: wangji}]")
    with pytest.raises(CarewatchError, match=r"in force 30\.0, in the file 90\.0"):
        load_town(conn, town)
    assert conn.execute("SELECT count(*) FROM area").fetchone() == (0,)
    load_town(conn, town, settings="enabled")
    assert minutes(conn) == 30
    assert load_town(conn, town).kept  # the choice stands until the file changes again
    load_town(conn, town, settings="file")
    assert minutes(conn) == 90
    assert (in_force(conn).in_file, in_force(conn).version) == (None, 3)


def test_back_to_what_the_file_says_by_hand(conn: psycopg.Connection) -> None:
    sixty = TownSettings({"door_left_open": {"minutes": 60.0}})
    enable(conn, sixty, tried_on=2, by="u-1", note="Too many")
    assert in_force(conn).in_file is None
    assert load_town(conn, parse_town(SIXTY)).summary == []


def test_the_command_says_what_stays(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", database_url)
    (tmp_path / "town.yaml").write_text(SIXTY)
    ran = CliRunner().invoke(app, ["load", str(tmp_path / "town.yaml")], catch_exceptions=False)
    assert ran.exit_code == 0
    assert "stay in force (version 2, by u-1, " in ran.stderr
    assert "door_left_open.minutes (everywhere): in force 30.0, in the file 60.0" in ran.stderr
