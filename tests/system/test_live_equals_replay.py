"""A day that ran live, and the same day replayed: the same findings, word for word.

Real broker, real database, the real processes; ingest and alerts are killed on the way and the
town is changed. The replay reads the database, or what `carewatch record` heard meanwhile.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from alerts.history import findings_between
from alerts.trials.backtest import FindingLine, line_of
from deploy.town.townfile import directory_of, parse_town
from ingest.history import replay
from tests.bench.rig import Service
from tests.broker_fixtures import Broker
from tests.clock import utc_now
from tests.system import short_day
from tests.system.received import as_received
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.chaos]


LEAD = timedelta(seconds=9)  # for the recorder to listen and the first town to be loaded


class Day(msgspec.Struct):
    """A day that has run."""

    environment: dict[str, str]
    directory: Path
    loaded: datetime  # before the first town was loaded
    begins: datetime
    ended: datetime = datetime.max.replace(tzinfo=UTC)

    def carewatch(self, *words: object) -> bytes:
        """What a command prints."""
        done = subprocess.run(
            [sys.executable, "-m", "deploy", *map(str, words)],
            env={**os.environ, **self.environment},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    @property
    def database(self) -> str:
        return self.environment["CAREWATCH_DATABASE_URL"]


@pytest.fixture(scope="module")
def day(
    database_cluster: str, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Day]:
    directory = tmp_path_factory.mktemp("day")
    broker = Broker(directory / "broker")
    broker.start()
    with psycopg.connect(database_cluster, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE carewatch_day TEMPLATE {database_template}")
    environment = {
        "CAREWATCH_DATABASE_URL": database_cluster.replace("/postgres?", "/carewatch_day?", 1),
        "CAREWATCH_MQTT_URL": broker.url,
        "CAREWATCH_DATA_DIR": str(directory),
        "CAREWATCH_SECRET_KEY": "a key for tests",
    }
    now = utc_now()
    day = Day(environment, directory, loaded=now, begins=now)
    services = {n: Service(n, environment, directory / f"{n}.log") for n in ("ingest", "alerts")}
    try:
        live(day, services, broker)
        yield day
    finally:
        for service in services.values():
            service.kill()
        broker.stop()
        with psycopg.connect(database_cluster, autocommit=True) as conn:
            conn.execute("DROP DATABASE carewatch_day WITH (FORCE)")


# ---------------------------------------------------------------- the day


def live(day: Day, services: dict[str, Service], broker: Broker) -> None:
    """Run the day: publish, kill, load, record, and wait until all of it is judged."""
    for service in services.values():
        service.start()
    for service in services.values():
        service.await_ready()
    recorder = subprocess.Popen(
        [sys.executable, "-m", "deploy", "record", str(day.directory / "heard.jsonl")],
        env={**os.environ, **day.environment},
        stderr=subprocess.DEVNULL,
    )
    try:
        day.begins = (utc_now() + LEAD).replace(microsecond=0)
        load(day, "first", later=False)
        publish(day, broker, incidents(day, services))
        day.ended = at_second(day, short_day.ENDS)
        until(lambda: judged_until(day) >= day.ended + timedelta(seconds=2))
    finally:
        recorder.terminate()
        recorder.wait(20)


def incidents(day: Day, services: dict[str, Service]) -> list[tuple[float, Callable[[], object]]]:
    """What happens besides messages, and when."""

    return [
        (short_day.DIES, services["ingest"].kill),
        (short_day.DIES + 1.5, services["ingest"].start),
        (20, services["alerts"].kill),
        (21.5, services["alerts"].start),
        (short_day.LOADED, lambda: load(day, "second", later=True)),
        (39, services["alerts"].kill),
        (39, services["alerts"].start),
    ]


def load(day: Day, name: str, *, later: bool) -> None:
    path = day.directory / f"{name}.yaml"
    path.write_text(short_day.town(day.begins, later=later))
    day.carewatch("load", path)


def publish(day: Day, broker: Broker, incidents: list[tuple[float, Callable[[], object]]]) -> None:
    """Say everything at its time, QoS 1, and let the incidents happen in between."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    said = [(each.after, lambda each=each: say(client, each, day)) for each in short_day.day()]
    for after, act in sorted((*said, *incidents), key=lambda item: item[0]):
        at_second(day, after)
        act()
    client.disconnect()
    client.loop_stop()


def say(client: mqtt.Client, said: short_day.Said, day: Day) -> None:
    for _ in range(said.times):
        client.publish(said.topic, said.payload(day.begins), qos=1).wait_for_publish(10)


def at_second(day: Day, seconds: float) -> datetime:
    """Wait for a moment of the day; the moment."""
    moment = day.begins + timedelta(seconds=seconds)
    time.sleep(max((moment - utc_now()).total_seconds(), 0))
    return moment


def judged_until(day: Day) -> datetime:
    """When the lanes last wrote down that they had judged everything."""
    with psycopg.connect(day.database, autocommit=True) as conn:
        row = conn.execute(
            "SELECT min(renewed_at), (SELECT max(last) FROM arrival_log) <= max(outputs_at)"
            " FROM checkpoint"
        ).fetchone()
    assert row is not None
    return row[0] if row[1] else day.loaded


# ---------------------------------------------------------------- what was found


def found_live(day: Day, since: datetime, until: datetime) -> list[FindingLine]:
    with psycopg.connect(day.database, autocommit=True) as conn:
        found = [finding for finding, _ in findings_between(conn, since, until)]
    return in_order([line_of(finding) for finding in found])


def replayed(day: Day, *words: object) -> list[FindingLine]:
    lines = day.carewatch("backtest", "--json", *words).splitlines()
    return in_order([msgspec.json.decode(line, type=FindingLine) for line in lines[:-1]])


def in_order(found: list[FindingLine]) -> list[FindingLine]:
    """By time; what was found at one moment by rule and subject."""
    return sorted(found, key=lambda one: (one.at, one.rule, one.subject, one.key, one.event))


def test_the_day_has_something_of_everything(day: Day) -> None:
    found = {(each.rule, each.event) for each in found_live(day, day.loaded, day.ended)}
    wanted = {
        "sos_pressed": ("raised", "joined"),
        "geofence_breached": ("raised", "cleared"),
        "visit_missed": ("raised", "cleared"),
        "visit_late": ("raised", "cleared"),
        "visit_short": ("raised",),
        "device_silent": ("raised", "cleared"),
        "area_outage": ("raised", "cleared"),
        "no_activity": ("raised", "cleared"),
        "door_left_open": ("raised", "cleared"),
        "contact_overdue": ("raised",),
        "battery_low": ("raised",),
        "face_unknown": ("raised",),
        "presence_conflict": ("raised",),
        "implausible_movement": ("raised",),
    }
    assert found >= {(rule, event) for rule, events in wanted.items() for event in events}


def test_the_database_replays_the_day_as_it_was(day: Day) -> None:
    again = replayed(day, "--since", day.loaded.isoformat(), "--until", day.ended.isoformat())
    assert again == found_live(day, day.loaded, day.ended + timedelta(microseconds=1))


def test_a_recording_replays_the_morning_as_it_was(day: Day) -> None:
    """But for one thing: presses that carry no time and came while ingest was dead wait for it in
    both of its sessions, and what cannot be told from a second press counts as one."""
    noon = day.begins + timedelta(seconds=short_day.NOON)
    recording = day.directory / "recording.jsonl"
    town = parse_town((day.directory / "first.yaml").read_text())
    with psycopg.connect(day.database) as conn:
        stored = [reading for _, reading in replay(conn, day.loaded, day.ended)]
    as_received(day.directory / "heard.jsonl", stored, directory_of(town), recording)
    words = ("--town", day.directory / "first.yaml", "--recording", recording)
    again = replayed(day, *words, "--until", noon.isoformat())
    live = found_live(day, day.loaded, noon + timedelta(microseconds=1))
    assert [one for one in again if one not in live and not is_of_month(one)] == []
    left = [one for one in live if one not in again and not is_timeless_join(one)]
    assert [one for one in left if not is_of_month(one)] == []


def is_of_month(one: FindingLine) -> bool:
    """True for a month that ends: who joins the register on its last days owes less than who was
    there when a recording begins."""
    return one.rule == "face_presence_missing"


def is_timeless_join(one: FindingLine) -> bool:
    return (one.rule, one.subject, one.event) == ("sos_pressed", "client:c-2", "joined")
