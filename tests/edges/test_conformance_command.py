"""`carewatch conformance` through a real Mosquitto: a device that shows all, one that fails."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from broker_fixtures import Broker

from tests.clock import utc_now

pytestmark = pytest.mark.edge
TOPIC = "carewatch/v1/wangji/{kind}/btn-1"


@pytest.fixture
def button(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO device (id, kind) VALUES ('btn-1', 'sos')")
    return database_url


def said(kind: str, id: str, ago: float = 0, **fields: object) -> tuple[str, bytes]:
    at = (utc_now() - timedelta(seconds=ago)).isoformat()
    body = {"id": id, "at": at, "battery": 77} | fields
    return TOPIC.format(kind=kind), json.dumps(body).encode()


def tried(
    broker: Broker, database_url: str, tmp_path: Path, qos: int, *messages: tuple[str, bytes]
) -> tuple[int, dict[str, str]]:
    """Publish the messages again and again while the command listens; its exit and its states."""
    environment = os.environ | {
        "CAREWATCH_DATABASE_URL": database_url,
        "CAREWATCH_MQTT_URL": broker.url,
        "CAREWATCH_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "deploy", "conformance", "--device", "btn-1"]
    process = subprocess.Popen(
        [*command, "--seconds", "5", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None:
        for topic, payload in messages:
            publish = ["mosquitto_pub", "-p", str(broker.port), "-q", str(qos), "-t", topic, "-s"]
            subprocess.run(publish, input=payload, check=True)
    assert process.stdout is not None
    with process.stdout as out:
        results = [json.loads(line) for line in out]
    return process.returncode, {each["check"]: each["state"] for each in results}


def test_a_button_that_shows_everything_passes(broker: Broker, button: str, tmp_path: Path) -> None:
    code, found = tried(
        broker,
        button,
        tmp_path,
        1,
        said("status", "s-1"),
        said("sos", "p-1"),
        said("sos", "p-2", press="test"),
        said("sos", "p-3", ago=3600, replayed=True),
        said("status", "s-2", online=False),
    )
    assert (code, {check for check, state in found.items() if state != "done"}) == (0, {"beat"})


def test_a_button_that_may_lose_messages_and_was_never_pressed_does_not(
    broker: Broker, button: str, tmp_path: Path
) -> None:
    code, found = tried(
        broker, button, tmp_path, 0, said("status", "s-1"), said("door", "d-1", open=True)
    )
    todo = {check for check, state in found.items() if state == "todo"}
    assert (code, todo) == (1, {"qos_1", "sos_press", "last_will", "replayed_flag"})
