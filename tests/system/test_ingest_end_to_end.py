"""The real `carewatch ingest` between a real Mosquitto and a real PostgreSQL."""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from broker_fixtures import Broker

from ingest.history import MessageCount, message_counts
from tests.bench.rig import Service
from tests.clock import utc_now
from tests.waiting import until

pytestmark = pytest.mark.system

AT = "2026-11-02T09:00:00+08:00"
DEVICES = [
    ("phone-1", "phone", None),
    ("door-1", "door", None),
    ("btn-1", "sos", None),
    ("btn-z", "sos", "zigbee2mqtt/btn_z"),
    ("door-z", "door", "zigbee2mqtt/door_z"),
]


class Road:
    """What goes in at the broker, and what is in the database."""

    def __init__(self, broker: Broker, ingest: Service, conn: psycopg.Connection) -> None:
        self.broker = broker
        self.ingest = ingest
        self.conn = conn

    def publish(self, topic: str, payload: bytes | dict[str, object]) -> None:
        text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        subprocess.run(
            [
                *("mosquitto_pub", "-p", str(self.broker.port)),
                *("-q", "1", "-t", topic, "-s" if text else "-n"),
            ],
            input=text,
            check=True,
        )

    def good(self, id: str) -> None:
        """A door event that must be stored, whatever came before it."""
        self.publish("carewatch/v1/w/door/door-1", {"id": id, "at": AT, "open": True})

    def readings(self, where: str = "true") -> list[tuple[str, str, str]]:
        rows = self.conn.execute(
            f"SELECT device, kind, id FROM reading WHERE {where} ORDER BY arrival"  # type: ignore[arg-type]
        )
        return list(rows)

    def reasons(self) -> list[str]:
        return [row[0] for row in self.conn.execute("SELECT reason FROM rejection ORDER BY n")]

    def kept(self) -> list[MessageCount]:
        """The counts that are written down, by family."""
        return message_counts(self.conn, utc_now() - timedelta(hours=1))

    def counts(self, family: str = "") -> dict[str, float]:
        """received, stored, duplicate, rejected, ignored."""
        found: dict[str, float] = {}
        for line in self.ingest.get("/metrics").splitlines():
            if "_created" in line:
                continue
            name, _, value = line.rpartition(" ")
            kind, _, labels = name.partition("{")
            if kind.startswith("carewatch_messages_") and f'family="{family}' in labels:
                what = kind.removeprefix("carewatch_messages_").removesuffix("_total")
                found[what] = found.get(what, 0) + float(value)
        return found


@pytest.fixture
def road(broker: Broker, database_url: str, tmp_path: Path) -> Iterator[Road]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.cursor().executemany(
            "INSERT INTO device (id, kind, topic) VALUES (%s, %s, %s)", DEVICES
        )
        environment = {"CAREWATCH_DATABASE_URL": database_url, "CAREWATCH_MQTT_URL": broker.url}
        ingest = Service("ingest", environment, tmp_path / "ingest.log")
        ingest.start()
        try:
            ingest.await_ready()
            yield Road(broker, ingest, conn)
        finally:
            ingest.kill()


def test_each_kind_of_message_is_a_row_and_is_counted(road: Road) -> None:
    road.publish("carewatch/v1/w/sos/btn-1", {"id": "s", "at": AT})
    road.publish("carewatch/v1/w/sos/btn-1", {"id": "s", "at": AT})
    road.publish("carewatch/v1/w/position/phone-1", {"id": "p", "at": AT, "lat": 35.2, "lon": 115})
    road.publish("carewatch/v1/w/door/nobody", {"id": "x", "at": AT, "open": True})
    road.publish("zigbee2mqtt/btn_z", {"action": "emergency", "battery": 90})
    road.publish("zigbee2mqtt/bridge/logging", {"level": "info", "message": "x"})
    road.publish("some/where/else", b"hello")
    road.good("d")
    until(lambda: road.counts().get("received", 0) == 8)
    until(lambda: ("door-1", "door", "d") in road.readings())
    assert {each[:2] for each in road.readings()} == {
        ("btn-1", "sos"),
        ("btn-z", "sos"),
        ("phone-1", "position"),
        ("door-1", "door"),
    }
    assert len(road.readings()) == 4
    assert sorted(road.reasons()) == ["unknown_device", "unknown_topic"]
    until(lambda: road.counts().get("received", 0) == 8)
    assert road.counts() == {
        "received": 8,
        "stored": 4,
        "duplicate": 1,
        "rejected": 2,
        "ignored": 1,
    }
    assert road.counts("contract") == {"received": 5, "stored": 3, "duplicate": 1, "rejected": 1}


DEEP = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
HOSTILE: list[tuple[str, bytes, str | None]] = [
    ("not UTF-8", b'{"id":"a\xff\xfe","at":"' + AT.encode() + b'","open":true}', None),
    ("bytes", bytes(range(256)), "not_json"),
    ("empty", b"", "not_json"),
    ("10 MB", b'{"id":"' + b"a" * 10_000_000 + b'"}', "too_large"),
    ("deep", DEEP, "not_json"),
    ("deep array", b"[" * 10_000 + b"]" * 10_000, "not_json"),
    ("NaN", b'{"id":"n","at":NaN,"open":true}', "missing_field"),
    ("Infinity", b'{"id":"n","at":1e999,"open":true}', "missing_field"),
    ("no object", b"[1,2]", "not_an_object"),
    ("no id", b'{"at":"2026-11-02T09:00:00Z","open":true}', None),
    ("no time", b'{"id":"n","open":true}', "missing_field"),
    ("half a surrogate", b'{"id":"\\ud800","at":"2026-11-02T09:00:00Z","open":true}', None),
    ("year 0", b'{"id":"n","at":"0000-01-01T00:00:00Z","open":true}', "bad_value"),
    ("huge number", b'{"id":"n","at":' + b"9" * 400 + b',"open":true}', None),
    ("long id", b'{"id":"' + b"i" * 50_000 + b'","at":1762045200,"open":true}', "bad_value"),
]
BESIDE = 1  # the long id: its fault stands beside a reading that is kept under another


def test_a_hostile_minute_stops_nothing(road: Road) -> None:
    for number, (_, payload, _) in enumerate(HOSTILE):
        road.publish("carewatch/v1/w/door/door-1", payload)
        road.good(f"behind-{number}")
    until(lambda: len(road.readings("id LIKE 'behind-%'")) == len(HOSTILE))
    until(lambda: road.counts().get("received", 0) == 2 * len(HOSTILE))
    counts = road.counts()
    outcomes = {
        name: count for name, count in counts.items() if name not in ("received", "repaired")
    }
    assert counts["received"] == sum(outcomes.values())
    until(lambda: sum(each.received for each in road.kept()) == counts["received"])
    assert [each.missing for each in road.kept()] == [0]
    expected = [reason for _, _, reason in HOSTILE if reason]
    assert sorted(road.reasons()) == sorted(expected)
    assert counts["rejected"] == len(expected) - BESIDE
    kept = road.conn.execute("SELECT max(octet_length(payload)) FROM rejection").fetchone()
    assert kept is not None
    assert kept[0] <= 65_536


def test_nul_and_strange_years_are_kept_as_far_as_they_make_sense(road: Road) -> None:
    road.publish("carewatch/v1/w/door/door-1", {"id": "nul\0", "at": AT, "open": True})
    for year in ("1970", "2036"):
        at = f"{year}-01-01T00:00:00Z"
        road.publish("carewatch/v1/w/door/door-1", {"id": year, "at": at, "open": True})
    road.good("behind")
    until(lambda: bool(road.readings("id = 'behind'")))
    clocks = road.conn.execute(
        "SELECT id, body::jsonb ->> 'clock', at = received_at FROM reading"
        " WHERE id IN ('1970', '2036') ORDER BY id"
    ).fetchall()
    assert clocks == [("1970", "quarantined", True), ("2036", "quarantined", True)]
    until(lambda: road.counts()["received"] == 4)
    assert road.counts()["rejected"] == 1
    assert road.reasons() == ["bad_value"]


def test_topics_that_no_device_has(road: Road) -> None:
    for topic in ("carewatch", "carewatch/v1", "carewatch/v1/w/bogus/door-1", "/", "a" * 2_000):
        road.publish(topic, b"{}")
    road.good("behind")
    until(lambda: bool(road.readings("id = 'behind'")))
    until(lambda: len(road.reasons()) == 5)
    assert set(road.reasons()) <= {"unknown_topic", "unknown_kind"}


def test_a_device_is_known_from_the_moment_it_is_loaded(road: Road, tmp_path: Path) -> None:
    town = tmp_path / "town.yaml"
    town.write_text(
        "devices: [{id: btn-new, kind: sos, topic: zigbee2mqtt/btn_new}, {id: new, kind: door}]\n"
    )
    road.ingest.run("load", str(town))
    road.publish("carewatch/v1/w/door/new", {"id": "first", "at": AT, "open": True})
    road.publish("zigbee2mqtt/btn_new", {"action": "emergency"})
    until(lambda: len(road.readings()) == 2)
    time.sleep(1.2)  # by now the life lane listens to the new button itself
    road.publish("zigbee2mqtt/btn_new", {"action": "emergency"})
    until(lambda: len(road.readings("device = 'btn-new'")) == 2)
    time.sleep(0.3)
    assert len(road.readings("device = 'btn-new'")) == 2
    assert road.reasons() == []


def test_a_message_without_time_is_one_row_when_the_broker_gives_it_again(road: Road) -> None:
    """The broker falls between our commit and our acknowledgement, and so do we."""
    with road.conn.transaction():
        road.conn.execute("LOCK TABLE reading_event")
        for _ in range(3):
            road.publish("zigbee2mqtt/door_z", {"contact": False})
        until(lambda: road.counts().get("received", 0) >= 1)
        until(lambda: road.ingest.figures()["carewatch_ingest_held_messages"] >= 1)
        time.sleep(0.2)
        road.broker.save()
        road.broker.kill()
    until(lambda: bool(road.readings()))
    before = len(road.readings())
    road.ingest.kill()
    road.broker.start()
    road.ingest.start()
    road.ingest.await_ready()
    road.good("behind")
    until(lambda: bool(road.readings("id = 'behind'")))
    assert 1 <= before <= len(road.readings("device = 'door-z'")) == 3


def test_sigterm_ends_it_in_good_order(road: Road) -> None:
    assert road.ingest.process is not None
    process = road.ingest.process
    road.ingest.stop()
    assert process.returncode == 0
    assert road.conn.execute("SELECT count(*) FROM ingest_horizon").fetchone() == (0,)
    road.good("while away")
    road.ingest.start()
    until(lambda: bool(road.readings("id = 'while away'")))


def test_nothing_secret_and_no_whereabouts_are_logged(road: Road) -> None:
    road.publish(
        "carewatch/v1/w/position/phone-1", {"id": "p", "at": AT, "lat": 35.24123, "lon": 115.4}
    )
    road.publish("carewatch/v1/w/position/phone-1", b'{"lat": 35.24123, "phone": "13800138000"')
    until(lambda: len(road.readings()) == 1 and len(road.reasons()) == 1)
    road.ingest.stop()
    log = road.ingest.log.read_text()
    assert "35.24123" not in log
    assert "13800138000" not in log
    assert all(json.loads(line)["event"] for line in log.splitlines())
