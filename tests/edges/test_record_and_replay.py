"""`carewatch record` and `replay` through a real Mosquitto, as a person runs them."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devices.broker_address import Address
from devices.recording import read_recording
from ingest.mqtt.session import Session
from tests.broker_fixtures import Broker, free_port
from tests.waiting import until

pytestmark = pytest.mark.edge

LINES = (
    '{"received_at":"2026-11-02T09:00:00+08:00","topic":"a/door","payload":"{\\"open\\":true}"}\n'
    '{"received_at":"2026-11-02T09:00:01+08:00","topic":"a/bytes","payload_b64":"/wD+"}\n'
    '{"received_at":"2026-11-02T09:00:02+08:00","topic":"a/kept","payload":"on","retain":true}\n'
)


def carewatch(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "deploy", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status and all it said."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "day.jsonl"
    file.write_text(LINES)
    return file


def topics(file: Path) -> list[str]:
    return [each.topic for _, each in read_recording(file)] if file.exists() else []


def replayed(recording: Path, broker: Broker) -> tuple[int, str]:
    return ended(carewatch("replay", str(recording), "--speed", "0", "--mqtt-url", broker.url))


def test_what_is_replayed_is_recorded_again(
    recording: Path, broker: Broker, tmp_path: Path
) -> None:
    again = tmp_path / "again.jsonl"
    recorder = carewatch("record", str(again), "--topic", "a/#", "--mqtt-url", broker.url)
    publish = ["mosquitto_pub", "-p", str(broker.port), "-t", "a/ready", "-n"]
    until(lambda: not subprocess.run(publish).returncode and "a/ready" in topics(again))
    assert replayed(recording, broker) == (0, "3 messages published, 0 requests sent\n")
    until(lambda: "a/kept" in topics(again))
    recorder.terminate()
    status, said = ended(recorder)
    assert (status, said.endswith("messages recorded\n")) == (0, True)
    before, after = (
        [(each.topic, each.payload) for _, each in read_recording(file) if each.payload]
        for file in (recording, again)
    )
    assert after == before


def test_what_was_retained_is_retained_again(
    recording: Path, broker: Broker, tmp_path: Path
) -> None:
    replayed(recording, broker)
    file = tmp_path / "kept.jsonl"
    assert ended(carewatch("record", str(file), "--mqtt-url", broker.url, "--count", "1"))[0] == 0
    ((_, kept),) = read_recording(file)
    assert (kept.topic, kept.payload, kept.retain) == ("a/kept", b"on", True)


@pytest.mark.parametrize("command", [("replay",), ("record",)])
def test_without_a_broker_one_line_says_so(command: tuple[str], recording: Path) -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    status, said = ended(carewatch(*command, str(recording), "--mqtt-url", url))
    assert status == 2
    assert len(said.splitlines()) == 1
    assert "CAREWATCH_MQTT_URL" in said
    assert recording.read_text() == LINES


def test_a_replay_that_is_stopped_ends_without_a_word(broker: Broker, tmp_path: Path) -> None:
    file = tmp_path / "slow.jsonl"
    hour = '{"received_at":"2026-11-02T10:00:00+08:00","topic":"a/late","payload":"1"}\n'
    file.write_text(LINES + hour)
    session = Session(Address.of(broker.url), "listener", ["a/#"], clean=True)
    session.start()
    until(lambda: session.listening)
    player = carewatch("replay", str(file), "--mqtt-url", broker.url)
    until(lambda: bool(session.take(0.1)))
    player.send_signal(signal.SIGINT)
    assert ended(player) == (130, "")
    session.stop()
