"""A backtest over what is stored: the town as it was loaded, and beside what was raised live."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from typer.testing import CliRunner

from alerts.types import Finding, Severity
from deploy.cli import app
from devices.readings import DoorMoved
from ingest.store.save import save
from tests.edges.batches import messages
from tests.edges.paging import load

pytestmark = pytest.mark.edge

TOWN = """
clients: [{id: c-1}]
devices: [{id: door-1, kind: door, holder: "client:c-1"}]
"""
START = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def door(minutes: float, *, is_open: bool) -> DoorMoved:
    at = after(minutes)
    said = {"device": "door-1", "id": f"d{minutes}", "observed_at": at, "received_at": at}
    return DoorMoved(open=is_open, **said)  # type: ignore[arg-type]


@pytest.fixture
def conn(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A town with one door, which was opened at 10 minutes and closed at 90."""
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", database_url)
    with psycopg.connect(database_url, autocommit=True) as conn:
        load(conn, TOWN, START)
        save(conn, messages(door(10, is_open=True), door(90, is_open=False)))
        yield conn


def found_live(conn: psycopg.Connection, minutes: float, **more: Any) -> None:
    """The alerts service once found this."""
    finding = Finding(
        **{
            "at": after(minutes),
            "rule": "door_left_open",
            "subject": "client:c-1",
            "event": "raised",
            "severity": Severity.MEDIUM,
            "reason": "open",
            "detail": "open",
            "key": "door-1",
            "settings": {"minutes": 60.0},
            **more,
        }
    )
    conn.execute(
        "INSERT INTO finding (at, rule, subject, event, body) VALUES (%s, %s, %s, %s, %s)",
        (
            finding.at,
            finding.rule,
            finding.subject,
            finding.event,
            msgspec.json.encode(finding).decode(),
        ),
    )


def ran(*options: object) -> tuple[list[tuple[str, float]], dict[str, Any]]:
    """(event, minutes) of what is found up to three hours, and the summary."""
    words = ["backtest", "--json", *map(str, options)]
    words += ["--since", after(-60).isoformat(), "--until", after(180).isoformat()]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
    found = [
        (line["event"], (datetime.fromisoformat(line["at"]) - START) / timedelta(minutes=1))
        for line in lines
    ]
    return found, last["summary"]


def test_the_stored_day_with_the_stored_town(conn: psycopg.Connection) -> None:
    found_live(conn, 70)
    found, summary = ran()
    assert found == [("raised", 70), ("cleared", 90)]
    assert summary["live"] == []
    assert summary["messages"] is None
    assert summary["alarm_load"]["alarms"] == 1


def test_other_settings_beside_what_was_raised(conn: psycopg.Connection) -> None:
    found_live(conn, 70)
    found, summary = ran("--set", "door_left_open.minutes=30")
    assert found == [("raised", 40), ("cleared", 90)]
    ((difference),) = summary["live"]
    assert difference["side"] == "otherwise"
    assert difference["why"].startswith("30.0 min earlier than live; with {")


def test_what_only_one_side_raised(conn: psycopg.Connection) -> None:
    found_live(conn, 70, subject="client:c-9")
    _, summary = ran()
    assert [one["side"] for one in summary["live"]] == ["only_tried", "only_live"]


def test_a_change_of_the_town_counts_from_its_own_place_on(conn: psycopg.Connection) -> None:
    stricter = "rules: {door_left_open: {minutes: 20}}"
    load(conn, TOWN + stricter, after(95))
    save(conn, messages(door(100, is_open=True)))
    found, _ = ran()
    assert found == [("raised", 70), ("cleared", 90), ("raised", 120)]


def test_another_town_file_instead(conn: psycopg.Connection, tmp_path: Path) -> None:
    (tmp_path / "town.yaml").write_text(TOWN + "rules: {door_left_open: {minutes: 5}}")
    found, _ = ran("--town", tmp_path / "town.yaml")
    assert found == [("raised", 15), ("cleared", 90)]


def test_what_came_before_warms_up_and_is_not_shown(conn: psycopg.Connection) -> None:
    save(conn, messages(door(-200, is_open=True)))  # a late row: stands open since then
    found, _ = ran()
    assert found[-1] == ("cleared", 90)
    assert all(minutes >= -60 for _, minutes in found)
