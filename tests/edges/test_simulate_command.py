"""`carewatch simulate` through a real Mosquitto: the town speaks, does what is asked, and ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from broker_fixtures import Broker, free_port

from devices.broker_address import Address
from devices.simulator.publish import CONTROL, Wish
from ingest.mqtt.session import Session

pytestmark = pytest.mark.edge

TOWN = """
timezone: Asia/Shanghai
areas: [{id: wangji, name: Wangji}]
clients: [{id: c-1, name: Wang, area: wangji, home: {lat: 35.24, lon: 115.48, radius: 150}}]
devices:
  - {id: btn-1, kind: sos, holder: "client:c-1"}
  - {id: phone-1, kind: phone, holder: "client:c-1"}
"""


@pytest.fixture
def listener(broker: Broker) -> Iterator[Session]:
    session = Session(Address.of(broker.url), "listener", ["#"], clean=True)
    session.start()
    while not session.listening:
        time.sleep(0.01)
    yield session
    session.stop()


def simulate(url: str, directory: Path, *more: str) -> subprocess.Popen[str]:
    town = directory / "town.yaml"
    town.write_text(TOWN)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "deploy", "simulate"),
            *("--town", str(town), "--mqtt-url", url, *more),
        ],
        env=os.environ | {"CAREWATCH_DATA_DIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def topics(listener: Session, wanted: str) -> list[str]:
    """What comes until something comes on the topic that is wanted."""
    found: list[str] = []
    until = time.monotonic() + 60
    while wanted not in found:
        assert time.monotonic() < until, found
        batch = listener.take(0.5)
        found += [each.envelope.topic for each in batch]
        listener.ack(batch)
    return found


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_town_speaks_until_it_is_stopped(
    broker: Broker, listener: Session, tmp_path: Path, ending: signal.Signals
) -> None:
    playing = simulate(broker.url, tmp_path)
    topics(listener, "carewatch/v1/town/position/phone-1")
    playing.send_signal(ending)
    assert (playing.communicate(timeout=60), playing.returncode) == (("", ""), 0)


def test_a_button_is_pressed_and_a_wish_is_sent(
    broker: Broker, listener: Session, tmp_path: Path
) -> None:
    pressed = simulate(broker.url, tmp_path, "press", "btn-1")
    said, _ = pressed.communicate(timeout=60)
    assert (pressed.returncode, said) == (0, "btn-1 pressed (short): look at the wall\n")
    assert topics(listener, "carewatch/v1/town/sos/btn-1") == ["carewatch/v1/town/sos/btn-1"]
    wished = simulate(broker.url, tmp_path, "breach", "c-1", "--seconds", "60")
    wished.communicate(timeout=60)
    (wish,) = listener.take(20)
    assert wish.envelope.topic == CONTROL
    assert msgspec.json.decode(wish.envelope.payload, type=Wish) == Wish("c-1", 60)


@pytest.mark.parametrize("asked", [(), ("press", "btn-1"), ("breach", "c-1")])
def test_without_a_broker_one_line_says_so(asked: tuple[str, ...], tmp_path: Path) -> None:
    process = simulate(f"mqtt://127.0.0.1:{free_port()}", tmp_path, *asked)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, len(said.splitlines())) == (2, 1)
    assert "CAREWATCH_MQTT_URL" in said
