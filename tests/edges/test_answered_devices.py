"""Devices are answered by a running ingest: after the commit, again, and through a crash."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
import pytest
from broker_fixtures import Broker

from ingest.answers import Coming, say_coming
from ingest.service import Service
from ingest.settings import IngestSettings
from tests.clock import utc_now
from tests.waiting import until

pytestmark = pytest.mark.edge

RECORD: dict[str, Any] = {
    "operator": "RecPush",
    "info": {"facesluiceId": "1234567", "RecordID": "490805", "time": "2026-11-02 09:00:00"},
}
SERVE = (
    "import sys; from ingest.service import Service; from ingest.settings import IngestSettings;"
    "Service(IngestSettings(mqtt_url=sys.argv[1], database_url=sys.argv[2])).run()"
)


class Device:
    """What speaks to the broker, and what it hears."""

    def __init__(self, broker: Broker, hears: str) -> None:
        self.heard: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda *seen: self.heard.put(json.loads(seen[2].payload))
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self._client.subscribe(hears, 1)
        assert self._subscribed.wait(30)

    def says(self, topic: str, said: object) -> None:
        self._client.publish(topic, json.dumps(said), qos=1).wait_for_publish(30)

    def hears(self, within: float = 60) -> dict[str, Any]:
        try:
            return self.heard.get(timeout=within)
        except Empty:
            raise AssertionError("nothing was answered") from None

    def close(self) -> None:
        self._client.loop_stop()
        self._client.disconnect()


@contextmanager
def serving(broker: Broker, database_url: str) -> Iterator[Service]:
    service = Service(IngestSettings(mqtt_url=broker.url, database_url=database_url))
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        until(lambda: not service.faults())
        yield service
    finally:
        service.stop()
        thread.join()


@pytest.fixture
def town(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(
        "INSERT INTO device (id, kind, topic) VALUES ('btn-1', 'sos', NULL),"
        " ('term-1', 'terminal', 'mqtt/face/1234567/Rec')"
    )
    return conn


def test_a_record_is_acknowledged_once_for_each_time_it_is_sent(
    broker: Broker, town: psycopg.Connection, database_url: str
) -> None:
    with serving(broker, database_url):
        terminal = Device(broker, "mqtt/face/1234567")
        for _ in range(2):
            terminal.says("mqtt/face/1234567/Rec", RECORD)
            assert terminal.hears()["info"]["SnapOrRecordID"] == 490805
            # Committed before it was answered.
            assert town.execute("SELECT id FROM reading").fetchall() == [("490805",)]
        terminal.close()


def test_a_record_through_a_crash_is_one_row_and_acknowledged(
    broker: Broker, town: psycopg.Connection, database_url: str
) -> None:
    terminal = Device(broker, "mqtt/face/1234567")
    command = [sys.executable, "-c", SERVE, broker.url, database_url]

    def reached(record: str) -> bool:
        terminal.says("mqtt/face/1234567/Rec", _numbered(record))
        return town.execute("SELECT FROM reading WHERE id = %s", (record,)).fetchone() is not None

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        until(lambda: reached("1"))
        terminal.says("mqtt/face/1234567/Rec", _numbered("490805"))
        first.kill()
    while not terminal.heard.empty():
        terminal.heard.get()
    with serving(broker, database_url):
        # What the broker kept is stored and acknowledged; and so is what the terminal, which has
        # heard nothing for ten seconds, sends again.
        heard = set[int]()

        def acknowledged() -> bool:
            terminal.says("mqtt/face/1234567/Rec", _numbered("490805"))
            while not terminal.heard.empty():
                heard.add(terminal.heard.get()["info"]["SnapOrRecordID"])
            return 490805 in heard

        until(acknowledged)
    found = town.execute("SELECT id FROM reading ORDER BY id").fetchall()
    assert found == [("1",), ("490805",)]
    terminal.close()


def _numbered(record: str) -> dict[str, object]:
    return {"operator": "RecPush", "info": {**RECORD["info"], "RecordID": record}}


def test_a_button_hears_received_and_that_somebody_is_coming(
    broker: Broker, town: psycopg.Connection, database_url: str
) -> None:
    with serving(broker, database_url):
        button = Device(broker, "carewatch/v1/+/answer/btn-1")
        other = Device(broker, "carewatch/v1/+/answer/btn-2")
        press = {"id": "p-1", "at": "2026-11-02T09:00:00+08:00"}
        button.says("carewatch/v1/wangji/sos/btn-1", press)
        received = button.hears()
        assert (received["answer"], received["id"]) == ("received", "p-1")
        for _ in range(2):  # the alert changes again: the device is told once
            say_coming(town, [Coming("btn-1", "p-1", utc_now())])
        coming = button.hears()
        assert (coming["answer"], coming["id"]) == ("coming", "p-1")
        unsent = "SELECT FROM device_answer WHERE sent_at IS NULL"
        until(lambda: not town.execute(unsent).fetchall())
        assert button.heard.empty()
        assert other.heard.empty()
        button.close()
        other.close()
