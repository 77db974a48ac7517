"""Attacks on a running ingest, by a device that holds its own secret: nothing is read or lost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest

from devices import registry
from devices.broker_address import Address
from devices.credentials import credentials, issue, revoke
from devices.directory import Device, RegisterChange
from ingest.lanes.slots import session_suffix
from ingest.mqtt.session import Session
from ingest.service import Service
from ingest.settings import IngestSettings
from tests.clock import epoch_now
from tests.guarded_brokers import (
    PLUGIN,
    SECRET,
    GuardedAmqtt,
    GuardedBroker,
    by_dynamic_security,
    by_files,
)

pytestmark = [
    pytest.mark.edge,
    pytest.mark.skipif(not PLUGIN.exists(), reason="no dynamic-security plugin"),
]
PRESS = "carewatch/v1/wangji/sos/btn-2"
FORMS = {"dynsec": by_dynamic_security, "files": by_files}


class Town:
    """A database and a guarded broker with two buttons, and their secrets."""

    def __init__(
        self, conn: psycopg.Connection, url: str, broker: GuardedBroker | GuardedAmqtt
    ) -> None:
        self.conn = conn
        self.url = url
        self.broker = broker
        self.secrets: dict[str, str] = {}

    def session_ids(self, service: Service) -> list[str]:
        """All client ids that the services use, and those of earlier releases."""
        suffix = session_suffix(self.conn)
        slots = ("life", "bulk-1")
        return [
            *(f"carewatch-{slot}-{suffix}" for slot in slots),
            *(f"carewatch-{slot}" for slot in slots),
            service._witness._session.client_id,
        ]

    def presses(self) -> set[str]:
        """The ids of the presses that are stored."""
        rows = self.conn.execute("SELECT id FROM reading WHERE kind = 'sos'").fetchall()
        return {id for (id,) in rows}

    def intrusions(self) -> set[tuple[str, str]]:
        return set(self.conn.execute("SELECT slot, sign FROM session_intrusion").fetchall())


@pytest.fixture(params=FORMS)
def town(
    request: pytest.FixtureRequest, conn: psycopg.Connection, database_url: str, tmp_path: Path
) -> Iterator[Town]:
    yield from _town(request.param, conn, database_url, tmp_path)


@pytest.fixture
def dynsec_town(conn: psycopg.Connection, database_url: str, tmp_path: Path) -> Iterator[Town]:
    yield from _town("dynsec", conn, database_url, tmp_path)


@pytest.fixture
def amqtt_town(conn: psycopg.Connection, database_url: str, tmp_path: Path) -> Iterator[Town]:
    yield from _town("amqtt", conn, database_url, tmp_path)


def _town(form: str, conn: psycopg.Connection, url: str, home: Path) -> Iterator[Town]:
    devices = tuple(Device(id=f"btn-{n}", kind="sos") for n in (1, 2))
    registry.apply(conn, RegisterChange(devices=devices))
    secrets = {each.id: issue(conn, each.id) for each in devices}
    broker = (
        GuardedAmqtt(home, url)
        if form == "amqtt"
        else FORMS[form](home / "broker", credentials(conn))
    )
    town = Town(conn, url, broker)
    town.secrets = secrets
    broker.start()
    try:
        yield town
    finally:
        broker.stop()


@contextmanager
def ingest(town: Town) -> Iterator[Service]:
    """A running ingest that reads all its sessions."""
    service = Service(IngestSettings(mqtt_url=town.broker.url, database_url=town.url))
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        until_true(lambda: service.faults() == [])
        yield service
    finally:
        service.stop()
        thread.join()


def until_true(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


class Attacker:
    """A client that insists on a client id, and acknowledges whatever it is given."""

    def __init__(self, port: int, user: str, secret: str, client_id: str) -> None:
        self.got: list[str] = []
        self.accepted = 0
        version = mqtt.CallbackAPIVersion.VERSION2
        self.client = mqtt.Client(version, client_id=client_id, clean_session=False)
        self.client.username_pw_set(user, secret)
        self.client.reconnect_delay_set(0.05, 0.1)  # type: ignore[no-untyped-call]
        self.client.on_message = lambda _c, _u, message: self.got.append(message.topic)
        self.client.on_connect = self._on_connect
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _on_connect(self, *said: object) -> None:
        self.accepted += not getattr(said[3], "is_failure", True)
        for each in ("#", "$SYS/#", "$CONTROL/#", "$share/carewatch/#", "carewatch/v1/+/sos/+"):
            self.client.subscribe(each, 1)

    def stop(self) -> None:
        with suppress(AttributeError):  # paho's thread ended by itself meanwhile
            self.client.loop_stop()
        self.client.disconnect()


def press(town: Town, prefix: str, count: int = 6) -> set[str]:
    """Press another's button; returns once the broker has acknowledged all."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.username_pw_set("btn-2", town.secrets["btn-2"])
    client.connect("127.0.0.1", town.broker.device_port)
    client.loop_start()
    ids = {f"{prefix}-{n}" for n in range(count)}
    for each in sorted(ids):
        at = int(epoch_now())
        body = f'{{"id": "{each}", "at": {at}}}'
        client.publish(PRESS, body, qos=1).wait_for_publish(60)
        time.sleep(0.05)
    client.loop_stop()
    client.disconnect()
    return ids


def attack(town: Town, service: Service) -> list[Attacker]:
    """Try each id of the services, by each listener that a device may reach."""
    ports = {
        town.broker.device_port,
        *((town.broker.port,) if town.broker.binds_client_ids else ()),
    }
    secret = town.secrets["btn-1"]
    return [
        Attacker(port, "btn-1", secret, client_id)
        for port in ports
        for client_id in town.session_ids(service)
    ]


def test_no_session_is_taken_over(town: Town) -> None:
    attack_while_pressed(town, "first")
    town.broker.stop()
    town.broker.start()
    attack_while_pressed(town, "after the restart")
    assert town.intrusions() == set()


def test_no_session_is_taken_over_at_amqtt(amqtt_town: Town) -> None:
    attack_while_pressed(amqtt_town, "first")
    amqtt_town.broker.stop()
    amqtt_town.broker.start()
    attack_while_pressed(amqtt_town, "after the restart")
    assert amqtt_town.intrusions() == set()


def test_who_has_no_secret_ends_no_session_at_amqtt(amqtt_town: Town) -> None:
    town = amqtt_town
    with ingest(town) as service:
        for client_id in town.session_ids(service):
            for clean in (True, False):
                stranger = mqtt.Client(
                    mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=clean
                )
                stranger.username_pw_set("carewatch", "wrong")
                stranger.connect("127.0.0.1", town.broker.port)
                until_true(lambda one=stranger: one.loop(0.1) != mqtt.MQTT_ERR_SUCCESS)  # type: ignore[misc]
        pressed = press(town, "later")
        until_true(lambda: town.presses() == pressed)
        time.sleep(3)
        assert service.faults() == []
    assert town.intrusions() == set()


def test_a_revoked_device_is_cut_off_at_amqtt(amqtt_town: Town) -> None:
    town = amqtt_town
    refusals: list[bool] = []
    device = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    device.username_pw_set("btn-1", town.secrets["btn-1"])
    device.on_connect = lambda *said: refusals.append(said[3].is_failure)
    device.connect("127.0.0.1", town.broker.port)
    device.loop_start()
    until_true(lambda: refusals == [False])
    time.sleep(3)
    assert device.is_connected()
    revoke(town.conn, "btn-1")
    until_true(lambda: True in refusals)
    device.loop_stop()


def attack_while_pressed(town: Town, name: str) -> None:
    with ingest(town) as service:
        attackers = attack(town, service)
        until_true(lambda: any(each.accepted for each in attackers))
        pressed = press(town, name)
        until_true(lambda: town.presses() >= pressed)
        for each in attackers:
            each.stop()
        assert [each.got for each in attackers if each.got] == []
        assert service.faults() == []


def test_who_holds_the_services_account_is_cried_out(dynsec_town: Town) -> None:
    town = dynsec_town
    with ingest(town) as service:
        thief = Attacker(town.broker.port, "carewatch", SECRET, town.session_ids(service)[0])
        until_true(lambda: any(slot == "life" for slot, _ in town.intrusions()))
        thief.stop()
        assert any("somebody else reads" in fault for fault in service.faults())


def test_restarts_raise_no_false_alarm(dynsec_town: Town) -> None:
    town = dynsec_town
    with ingest(town) as service:
        for end in (town.broker.stop, town.broker.kill, town.broker.kill):
            time.sleep(2.5)  # a few canaries
            end()
            town.broker.start()
            until_true(lambda: service.faults() == [])
    with ingest(town) as service:
        time.sleep(5)
        assert service.faults() == []
    assert town.intrusions() == set()


def test_what_waits_in_the_sessions_of_an_earlier_release_is_stored(dynsec_town: Town) -> None:
    town = dynsec_town
    address = Address.of(town.broker.url)
    for slot, filters in (("life", ("carewatch/v1/+/sos/+",)), ("bulk-1", ("#",))):
        before = Session(address, f"carewatch-{slot}", filters)
        before.start()
        until_true(lambda session=before: session.listening)
        before.stop()
        town.conn.execute("INSERT INTO old_broker_session VALUES (%s)", (slot,))
    pressed = press(town, "waits", 40)

    def left() -> int:
        return len(town.conn.execute("SELECT FROM old_broker_session").fetchall())

    with ingest(town):
        until_true(lambda: town.presses() == pressed)
        until_true(lambda: left() == 0)
        pressed |= press(town, "later")
        until_true(lambda: town.presses() == pressed)
    after = Session(address, "carewatch-life", ())
    after.start()
    until_true(lambda: after.connected)
    assert after.begun == 1  # the broker knows it no more
    after.stop()


@pytest.mark.parametrize(
    "topic",
    [
        "carewatch/v1/wangji/sos/btn-2",
        "carewatch/lanes/life",
        "carewatch/lanes/canary/life",
        "$CONTROL/dynamic-security/v1",
        "$SYS/broker/publish/messages/dropped",
    ],
)
def test_a_device_speaks_on_no_other_topic(town: Town, topic: str) -> None:
    listener = Attacker(town.broker.port, "carewatch", SECRET, "carewatch-test")
    until_true(lambda: listener.accepted == 1)
    until_true(lambda: any(each.startswith("$SYS/") for each in listener.got))
    device = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    device.username_pw_set("btn-1", town.secrets["btn-1"])
    device.connect("127.0.0.1", town.broker.device_port)
    device.loop_start()
    until_true(device.is_connected)
    device.publish(topic, b"7000000", qos=1)
    own = "carewatch/v1/wangji/sos/btn-1"
    device.publish(own, b"{}", qos=1).wait_for_publish(60)
    until_true(lambda: own in listener.got)
    device.loop_stop()
    device.disconnect()
    listener.stop()
    assert topic.startswith("$SYS/") or topic not in listener.got
