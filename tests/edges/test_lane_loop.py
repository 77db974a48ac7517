"""A lane's way, crashed anywhere: the same findings, alerts and pages as without a crash."""

import random
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from alerts import desk, history
from alerts.lanes.feed import Feed
from alerts.lanes.journal import Journal, Overtaken
from alerts.lanes.lane import RuleLane, load_town
from alerts.lanes.loop import LaneLoop
from alerts.types import Acknowledged, Alert, LaneName, Muted
from devices.readings import DeviceStatus, Position, Reading
from ingest.history import renew_horizon
from tests.clock import TIMEZONE, utc_now
from tests.edges.paging import door, load, press, store

pytestmark = pytest.mark.edge

BEGIN = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
HOMES = 6
CLIENTS = ", ".join(f"{{id: c-{n}, area: wangji}}" for n in range(HOMES))
DEVICES = ", ".join(
    f'{{id: door-{n}, kind: door, holder: "client:c-{n}"}},'
    f' {{id: btn-{n}, kind: sos, holder: "client:c-{n}"}}'
    for n in range(HOMES)
)
TOWN = f"""
areas: [{{id: wangji}}]
clients: [{CLIENTS}]
devices: [{DEVICES}]
people: [{{id: u-1, role: on_call, contacts: [{{channel: "webhook://x/one"}}]}},
         {{id: u-2, role: on_call, contacts: [{{channel: "webhook://x/two"}}]}}]
ladders: [{{id: all, rungs: [{{after: 0, page: [u-1]}}, {{after: 90, page: [u-2]}}], repeat: 600}}]
rules: {{door_left_open: {{minutes: 5}}, no_activity: {{hours: 1}}}}
"""


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.moment = BEGIN

    def now(self) -> datetime:
        return self.moment

    def seconds_until(self, moment: datetime) -> float:
        return (moment - self.moment).total_seconds()


class Way:
    """One lane, walked by hand. `crash` throws away all that is in memory."""

    def __init__(self, url: str, lane: LaneName) -> None:
        self.clock = HandClock()
        self._url = url
        self._lane: LaneName = lane
        self._connections = ExitStack()
        self._loop: LaneLoop | None = None

    def step(self) -> None:
        """Look until there is nothing new."""
        loop = self._loop or self._recovered()
        while not loop.step().is_drained:
            pass

    def crash(self) -> None:
        self._loop = None
        self._connections.close()

    def _recovered(self) -> LaneLoop:
        connect = lambda: self._connections.enter_context(  # noqa: E731
            psycopg.connect(self._url, autocommit=True)
        )
        read, write = connect(), connect()
        lane = RuleLane(self._lane, self._url, self.clock, lambda pages: None, load_town(write))
        self._loop = lane.recover(read, write)
        return self._loop


def concluded(conn: psycopg.Connection) -> dict[str, Any]:
    """All that was said, without the numbers that differ from run to run."""
    findings = conn.execute("SELECT at, rule, subject, event, alert FROM finding ORDER BY n")
    pages = conn.execute("SELECT id, state, due_at FROM page ORDER BY id")
    alerts = history.alerts(conn, history.AlertFilter())
    return {
        "findings": findings.fetchall(),
        "alerts": [(a.id, a.state, a.occurrences, a.rung, a.round, a.next_at) for a in alerts],
        "stories": {a.id: [(line.at, line.what, line.who) for line in a.story] for a in alerts},
        "pages": pages.fetchall(),
    }


def weak(device: str, at: datetime) -> DeviceStatus:
    return DeviceStatus(
        device=device, id=f"weak-{at:%H%M%S}", observed_at=at, received_at=at, battery=5.0
    )


def script(seed: int) -> list[tuple[float, Callable[[datetime], Reading] | None]]:
    """What happens at which second; None: only time passes."""
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, 7200) for _ in range(60))

    def happening() -> Callable[[datetime], Reading] | None:
        home = chance.randrange(HOMES)
        match chance.randrange(6):
            case 0:
                return lambda at: press(f"btn-{home}", at)
            case 1 | 2:
                return lambda at: door(f"door-{home}", at, is_open=True)
            case 3:
                return lambda at: door(f"door-{home}", at, is_open=False)
            case 4:
                return lambda at: weak(f"door-{home}", at)
        return None

    return [(moment, happening()) for moment in moments]


def run(
    conn: psycopg.Connection, url: str, lane: LaneName, seed: int, crash: Callable[[], bool]
) -> dict[str, Any]:
    """The whole script on an empty database; `crash` decides before each step."""
    tables = (
        "finding, page, visit, visit_revision, checkpoint, rule_state, mute, inbox, arrival_log"
    )
    conn.execute(f"TRUNCATE alert, reading_event, reading_track, {tables}".encode())
    load(conn, f"timezone: {TIMEZONE}", BEGIN)
    load(conn, TOWN, BEGIN)
    way, heard = Way(url, lane), 0
    for second, happening in script(seed):
        at = way.clock.moment = BEGIN + timedelta(seconds=second)
        if happening is not None:
            store(conn, happening(at))
        for each in ("life", "bulk"):
            renew_horizon(conn, "w", each, at)  # type: ignore[arg-type]
        way.step()
        for alert in history.open_alerts(conn)[heard : heard + 1]:
            desk.append(conn, Acknowledged(at=at, alert=alert.id, person="u-1"))
            heard += 2
        if crash():
            way.crash()
    way.step()
    way.crash()
    return concluded(conn)


@pytest.mark.parametrize("lane", ["life", "main"])
@pytest.mark.parametrize("seed", range(2))
def test_crashes_change_nothing_of_what_is_said(
    conn: psycopg.Connection, database_url: str, lane: LaneName, seed: int
) -> None:
    straight = run(conn, database_url, lane, seed, lambda: False)
    assert straight["findings"]
    chance = random.Random(seed)
    assert run(conn, database_url, lane, seed, lambda: chance.random() < 0.3) == straight
    assert run(conn, database_url, lane, seed, lambda: True) == straight


@pytest.mark.parametrize("is_written", [True, False])
def test_a_commit_in_doubt_is_neither_lost_nor_doubled(
    conn: psycopg.Connection, database_url: str, is_written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(conn, TOWN)
    way = Way(database_url, "life")
    way.clock.moment = utc_now()
    way.step()
    commit = Journal.commit

    def broken(self: Journal, step: Any) -> None:
        if is_written:
            commit(self, step)
        raise psycopg.OperationalError("the connection broke")

    store(conn, press("btn-1", way.clock.moment))
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "commit", broken)
        with pytest.raises(psycopg.OperationalError):
            way.step()
    way.crash()
    way.step()
    way.crash()
    assert len(concluded(conn)["findings"]) == 1
    assert len(concluded(conn)["pages"]) == 1


def test_who_was_overtaken_writes_nothing(conn: psycopg.Connection, database_url: str) -> None:
    load(conn, TOWN)
    ways = [Way(database_url, "life"), Way(database_url, "life")]
    for way in ways:
        way.clock.moment = utc_now()
        way.step() if way is ways[0] else None
    ways[1].step()
    store(conn, press("btn-1"))
    ways[0].step()
    with pytest.raises(Overtaken):
        ways[1].step()
    assert len(concluded(conn)["findings"]) == 1
    for way in ways:
        way.crash()


class TestFeed:
    def test_changes_of_the_town_keep_their_place_among_readings(
        self, conn: psycopg.Connection, database_url: str
    ) -> None:
        load(conn, TOWN)
        store(conn, door("door-1"))
        load(conn, TOWN + "\nzones: []\nfacilities: [{id: f-1}]")
        store(conn, door("door-2"), press("btn-1"))
        with psycopg.connect(database_url, autocommit=True) as read:
            fed = Feed(read, "main", 0, 0).read()
            assert [type(each).__name__ for each in fed.stimuli] == [
                "TownChanged", "Stored", "TownChanged", "Stored", "Stored",
            ]  # fmt: skip
            numbers = [each.arrival for each in fed.stimuli]
            assert numbers == sorted(numbers)
            assert (fed.after, fed.is_drained) == (numbers[-1], True)

    def test_people_are_heard_past_a_backlog_of_readings(
        self, conn: psycopg.Connection, database_url: str
    ) -> None:
        for _ in range(9):
            store(conn, door("door-1"))
        muted = Muted(
            at=BEGIN, id="m", until=BEGIN, reason="x", person="u-1", rule="door_left_open"
        )
        desk.append(conn, muted)
        with psycopg.connect(database_url, autocommit=True) as read:
            fed = Feed(read, "main", 0, 0).read()
        assert not fed.is_drained
        assert [type(entry).__name__ for entry in fed.entries] == ["Muted"]

    def test_the_life_lane_reads_only_what_holds_a_press(
        self, conn: psycopg.Connection, database_url: str
    ) -> None:
        store(conn, door("door-1"))
        store(conn, press("btn-1"))
        with psycopg.connect(database_url, autocommit=True) as read:
            fed = Feed(read, "life", 0, 0).read()
        assert [type(each.reading).__name__ for each in fed.stimuli] == ["SosPressed"]  # type: ignore[union-attr]


def test_a_word_about_a_closed_alert_is_still_told(
    conn: psycopg.Connection, database_url: str
) -> None:
    load(conn, TOWN)
    way = Way(database_url, "life")
    way.clock.moment = utc_now()
    store(conn, press("btn-1"))
    way.step()
    alert: Alert = history.open_alerts(conn)[0]
    desk.resolve(conn, alert.id, "u-1", "helped")
    way.step()
    desk.note(conn, alert.id, "u-2", "she is fine")
    way.step()
    way.crash()
    assert [line.what for line in history.story(conn, alert.id)] == [
        "raised", "paged", "resolved", "noted",
    ]  # fmt: skip


@pytest.mark.parametrize("person", ["{id: u-1, caregiver: g-1", "{id: g-1"])
def test_a_phone_at_the_home_says_that_its_person_has_come(
    conn: psycopg.Connection, database_url: str, person: str
) -> None:
    load(
        conn,
        f"""
clients: [{{id: c-1, home: {{lat: 35.24, lon: 115.48, radius: 150}}}}]
caregivers: [{{id: g-1}}]
devices: [{{id: btn-1, kind: sos, holder: "client:c-1"}},
          {{id: phone-1, kind: phone, holder: "caregiver:g-1"}}]
people: [{person}, role: on_call, contacts: [{{channel: "webhook://x/one"}}]}}]
""",
    )
    life, main = Way(database_url, "life"), Way(database_url, "main")
    now = life.clock.moment = main.clock.moment = utc_now()
    store(conn, press("btn-1", now))
    life.step()
    alert = history.open_alerts(conn)[0].id
    answering = person[5:8]
    desk.acknowledge(conn, alert, answering, via="link")
    main.crash()  # what is on its way survives
    for n, (lat, accuracy) in enumerate([(35.30, 10), (35.24, 500), (35.2401, 10), (35.24, 9)]):
        at = utc_now()
        fix = Position(
            device="phone-1", id=f"p-{n}", observed_at=at, received_at=at, lat=lat, lon=115.48,
            accuracy=accuracy,
        )  # fmt: skip
        store(conn, fix)
        main.step()
        life.step()
        came = history.open_alerts(conn)[0].arrived_at
        assert (came is not None) == (n >= 2)
    lines = [line for line in history.story(conn, alert) if line.what == "arrived"]
    assert [(line.who, line.detail) for line in lines] == [(answering, "position")]
    life.crash()
    main.crash()
