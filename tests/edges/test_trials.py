"""Settings tried on what is stored, in the real process, and then brought into force."""

import errno
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Never

import msgspec
import psycopg
import pytest

from alerts import history, trials
from alerts.trials import SettingsChange, TownPart, TrialRecord
from alerts.trials import requests as kept
from alerts.trials.process import Progress, run
from alerts.trials.report import Summary
from core.errors import CarewatchError
from core.locks import Lock
from devices.readings import DoorMoved
from devices.registry import load_directory
from devices.scope import WHOLE, Scope
from ingest.store.save import save
from tests.clock import utc_now
from tests.edges.batches import messages
from tests.edges.paging import load, press
from tests.edges.stepped_lanes import SteppedLanes
from tests.waiting import until

pytestmark = pytest.mark.edge
TOWN = """
areas: [{id: mudan}, {id: wangji, parent: mudan}, {id: other}]
clients: [{id: c-1, area: wangji}, {id: c-2, area: other}]
devices:
  - {id: door-1, kind: door, holder: "client:c-1"}
  - {id: door-2, kind: door, holder: "client:c-2"}
  - {id: btn-1, kind: sos, holder: "client:c-1"}
"""
START = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
SPAN = {"since": START - timedelta(hours=1), "until": START + timedelta(hours=3), "seats": 1}
THIRTY = SettingsChange(rule="door_left_open", parameters={"minutes": 30})
WANGJI = Scope(areas=("wangji",))


def door(device: str, minutes: float, *, is_open: bool) -> DoorMoved:
    at = START + timedelta(minutes=minutes)
    said = {"device": device, "id": f"d{minutes}", "observed_at": at, "received_at": at}
    return DoorMoved(open=is_open, **said)  # type: ignore[arg-type]


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection]:
    """Two doors that stood open for 40 minutes each: nothing to say at 60, two alarms at 30."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        load(conn, TOWN, START)
        for minutes, is_open in ((10, True), (50, False)):
            for device in ("door-1", "door-2"):
                save(conn, messages(door(device, minutes, is_open=is_open)))
        yield conn


def asked(
    conn: psycopg.Connection,
    change: SettingsChange = THIRTY,
    *,
    person: str = "u-1",
    scope: Scope = WHOLE,
) -> str:
    request = trials.request_of_change(conn, change, scope=scope, **SPAN)  # type: ignore[arg-type]
    return trials.ask(conn, person, request, utc_now())


def ended(conn: psycopg.Connection, url: str, id: str, person: str = "u-1") -> TrialRecord:
    """The trial once its process has run."""
    trials.start(trials.Errand(url, id))

    def closed() -> TrialRecord | None:
        record = trials.trial(conn, id, person)
        return None if record is None or record.is_open else record

    record: TrialRecord = until(closed)
    return record


def summary_of(record: TrialRecord) -> Summary:
    assert record.summary is not None, record.fault
    return record.summary


def test_what_would_have_been_raised_beside_what_was(
    conn: psycopg.Connection, database_url: str
) -> None:
    record = ended(conn, database_url, asked(conn))
    assert (record.state, record.progress, record.enabled_as) == ("done", 1.0, None)
    summary = summary_of(record)
    assert summary.findings == {"door_left_open": {"cleared": 2, "raised": 2}}
    assert summary.alarm_load is not None
    assert summary.alarm_load.by_area == {"other": 1, "wangji": 1}
    assert summary.live_load is not None
    assert summary.live_load.alarms == 0
    assert [one.side for one in summary.live or ()] == ["only_tried", "only_tried"]
    assert summary.settings["changes"] == ["door_left_open.minutes (everywhere): not set -> 30"]


def test_the_same_rows_give_the_same_bytes(conn: psycopg.Connection, database_url: str) -> None:
    first = ended(conn, database_url, asked(conn))
    report = trials.report_of(conn, first.id, "u-1")
    summary, again = run(conn, first.request, Progress())
    assert again == report
    assert "door_left_open" in again
    assert msgspec.json.encode(summary) == msgspec.json.encode(first.summary)


def test_a_part_of_the_town_is_tried_alone(conn: psycopg.Connection, database_url: str) -> None:
    change = msgspec.structs.replace(THIRTY, part=TownPart(area="mudan"))
    summary = summary_of(ended(conn, database_url, asked(conn, change)))
    assert summary.alarm_load is not None
    assert summary.alarm_load.by_area == {"wangji": 1}


def test_its_author_sees_their_part_of_the_town_and_nobody_else_sees_it(
    conn: psycopg.Connection, database_url: str
) -> None:
    record = ended(conn, database_url, asked(conn, scope=WANGJI))
    summary = summary_of(record)
    assert summary.alarm_load is not None
    assert summary.alarm_load.by_area == {"wangji": 1}
    report = trials.report_of(conn, record.id, "u-1")
    assert report is not None
    assert "client:c-2" not in report
    assert trials.trial(conn, record.id, "u-2") is None
    assert trials.report_of(conn, record.id, "u-2") is None


def test_one_at_a_time_a_person_and_it_can_be_stopped(
    conn: psycopg.Connection, database_url: str
) -> None:
    waiting = asked(conn)
    with pytest.raises(CarewatchError, match="still running"):
        asked(conn)
    asked(conn, person="u-2")
    trials.stop(conn, waiting, "u-2")  # not theirs
    assert trials.trial(conn, waiting, "u-1").is_open  # type: ignore[union-attr]
    trials.stop(conn, waiting, "u-1")
    assert ended(conn, database_url, waiting).state == "stopped"
    asked(conn)


def test_a_trial_whose_process_is_gone_is_known_for_lost(conn: psycopg.Connection) -> None:
    lost = asked(conn)
    conn.execute("UPDATE rule_trial SET renewed_at = now() - interval '2 minutes'")
    [record] = trials.trials_of(conn, "u-1")
    assert (record.id, record.state) == (lost, "failed")
    assert "ended before it was done" in record.fault


def test_a_trial_that_can_give_no_sign_of_life_is_given_up(
    conn: psycopg.Connection, database_url: str
) -> None:
    conn.execute("SELECT pg_advisory_lock(%s)", (Lock.TRIAL,))  # it is not its turn
    id = asked(conn)
    trials.start(trials.Errand(database_url, id))
    its_voice = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND query LIKE 'UPDATE rule_trial SET renewed_at%'"
    )
    until(lambda: conn.execute(its_voice).fetchone())
    until(lambda: not trials.trials_of(conn, "u-1")[0].is_open)
    assert trials.trials_of(conn, "u-1")[0].fault == "its process ended with 1"


def test_a_trial_whose_process_can_not_start_says_so(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object, **__: object) -> Never:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("alerts.trials.process.subprocess.run", no_memory)
    record = ended(conn, database_url, asked(conn))
    assert (record.state, record.fault) == (
        "failed",
        "its process did not start: Cannot allocate memory",
    )


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_trial_whose_database_is_lost_ends_quietly() -> None:
    trials.start(trials.Errand("postgresql://127.0.0.1:1/none?connect_timeout=1", "t-1"))
    for thread in threading.enumerate():
        if thread.name == "trial":
            thread.join()


def test_an_alarm_does_not_wait_for_a_trial(conn: psycopg.Connection, database_url: str) -> None:
    service = SteppedLanes(conn, database_url, START + timedelta(hours=2))
    conn.execute("SELECT pg_advisory_lock(%s)", (Lock.TRIAL,))
    service.say(press("btn-1", START + timedelta(hours=1)))
    service.look()
    service.close()
    assert "sos_pressed" in {alert.rule for alert in history.open_alerts(conn)}


def test_the_last_twenty_are_kept(conn: psycopg.Connection) -> None:
    for _ in range(kept.KEPT + 3):
        trials.stop(conn, asked(conn), "u-1")
    assert len(trials.trials_of(conn, "u-1")) == kept.KEPT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            SettingsChange(rule="door_left_open", parameters={"minutes": "soon"}),
            r"^door_left_open\.minutes: expected a number, got 'soon'",
        ),
        (SettingsChange(rule="nobody", parameters={"x": 1}), "no rule 'nobody'"),
        (SettingsChange(rule="door_left_open", parameters={}), "these are in force already"),
    ],
)
def test_what_can_not_be_tried_is_refused_at_once(
    conn: psycopg.Connection, change: SettingsChange, said: str
) -> None:
    with pytest.raises(CarewatchError, match=said):
        asked(conn, change)


def test_what_was_tried_comes_into_force_as_a_new_version(
    conn: psycopg.Connection, database_url: str
) -> None:
    directory = load_directory(conn)
    record = ended(conn, database_url, asked(conn))
    enable = partial(
        trials.enable_trial, person="u-1", note="Doors", scope=WHOLE, directory=directory
    )
    assert enable(conn, record) == 1
    assert trials.in_force(conn).settings.rules == {"door_left_open": {"minutes": 30}}
    done = trials.trial(conn, record.id, "u-1")
    assert done is not None
    assert done.enabled_as == 1
    with pytest.raises(CarewatchError, match="and once"):
        enable(conn, done)


def test_only_a_trial_that_is_done_and_only_of_ones_own_part(
    conn: psycopg.Connection, database_url: str
) -> None:
    directory = load_directory(conn)
    enable = partial(trials.enable_trial, person="u-1", note="Doors", directory=directory)
    waiting = trials.trial(conn, asked(conn), "u-1")
    assert waiting is not None
    with pytest.raises(CarewatchError, match="only a trial that is done"):
        enable(conn, waiting, scope=WHOLE)
    done = ended(conn, database_url, waiting.id)
    with pytest.raises(CarewatchError, match="not yours"):
        enable(conn, done, scope=WANGJI)
    own = msgspec.structs.replace(THIRTY, part=TownPart(area="wangji"))
    enable(conn, ended(conn, database_url, asked(conn, own)), scope=WANGJI)
    with pytest.raises(CarewatchError, match="version 1 has come into force since"):
        enable(conn, done, scope=WHOLE)


def test_an_older_version_comes_back_by_the_same_road(
    conn: psycopg.Connection, database_url: str
) -> None:
    enable = partial(trials.enable_trial, person="u-1", scope=WHOLE, directory=load_directory(conn))
    enable(conn, ended(conn, database_url, asked(conn)), note="Doors")
    ten = SettingsChange(rule="door_left_open", parameters={"minutes": 10})
    enable(conn, ended(conn, database_url, asked(conn, ten)), note="Stricter")
    request = trials.request_of_version(conn, 1, scope=WHOLE, **SPAN)  # type: ignore[arg-type]
    assert request.restores == 1
    back = trials.ask(conn, "u-1", request, utc_now())
    assert enable(conn, ended(conn, database_url, back), note="Too many") == 3
    assert trials.in_force(conn).settings.rules == {"door_left_open": {"minutes": 30}}
    with pytest.raises(CarewatchError, match="there is no version 9"):
        trials.request_of_version(conn, 9, scope=WHOLE, **SPAN)  # type: ignore[arg-type]
