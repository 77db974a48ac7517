"""The broker of `carewatch up`: who has no secret stays outside, whoever is revoked goes out."""

import stat
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import paho.mqtt.client as mqtt
import psycopg
import pytest

from deploy.stack.local import free_port
from deploy.stack.stack import is_loopback
from devices.broker_address import Address
from tests.clock import epoch_now
from tests.system.running import Running, carewatch_up

pytestmark = pytest.mark.system


def until_true(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


class Client:
    """A client that says whether the broker takes it."""

    def __init__(self, port: int, user: str | None, secret: str | None) -> None:
        self.answers: list[bool] = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="a firmware's own")
        if user is not None:
            self.client.username_pw_set(user, secret)
        self.client.on_connect = lambda *said: self.answers.append(not said[3].is_failure)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        until_true(lambda: bool(self.answers))

    def stop(self) -> None:
        self.client.loop_stop()
        self.client.disconnect()


def is_let_in(port: int, user: str | None, secret: str | None) -> bool:
    one = Client(port, user, secret)
    one.stop()
    return one.answers[0]


def secret_of(running: Running, *words: str) -> str:
    said = running.carewatch("device", *words)
    assert said.returncode == 0, said.stderr
    return next(line.split()[1] for line in said.stdout.splitlines() if line.startswith("secret"))


def test_who_may_speak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("CAREWATCH_MQTT_PORT", str(port))
    with carewatch_up(tmp_path / "data") as running:
        kept = tmp_path / "data" / "broker_accounts.json"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert not is_let_in(port, None, None)
        assert not is_let_in(port, "carewatch", "carewatch")
        secret = secret_of(running, "add", "btn-9", "--kind", "sos")
        assert not is_let_in(port, "btn-9", "wrong")
        device = Client(port, "btn-9", secret)
        assert device.answers == [True]
        assert running.carewatch("device", "revoke", "btn-9").returncode == 0
        until_true(lambda: False in device.answers)  # cut off, and refused when it came again
        device.stop()
        service = Address.of(running.urls["mqtt_url"])
        assert service.password is not None
        assert secret not in running.output()
        assert service.password not in running.output()
    with carewatch_up(tmp_path / "data") as running:
        assert not is_let_in(port, "btn-9", secret)
        renewed = secret_of(running, "rotate", "btn-9")
        until_true(lambda: is_let_in(port, "btn-9", renewed))


def test_a_terminal_claims_and_is_heard_by_mqtt_and_by_http(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("CAREWATCH_MQTT_PORT", str(port))
    with carewatch_up(tmp_path / "data") as running:
        made = running.carewatch(
            "device", "claim-code", "create", "--kind", "terminal", "--devices", "1"
        )
        assert made.returncode == 0, made.stderr
        asked = {"code": made.stdout.split()[1], "serial": "SN-1", "nonce": "made once, and kept"}
        told = httpx.post(f"{running.url}/ingest/v1/claim", json=asked, timeout=60).json()
        assert told["mqtt"]["url"] == f"mqtt://127.0.0.1:{port}"
        device = Client(port, told["mqtt"]["username"], told["secret"])
        assert device.answers == [True]
        beat = msgspec.json.encode({"id": "1", "at": epoch_now(), "power": "mains"})
        device.client.publish(told["mqtt"]["topic"].replace("/face/", "/status/"), beat, qos=1)
        by_http = httpx.post(
            told["http"]["url"].replace("/face/", "/status/"),
            json={"id": "2", "at": epoch_now(), "power": "mains"},
            headers={"authorization": f"Bearer {told['secret']}"},
            timeout=60,
        )
        assert by_http.json()["outcome"] == "stored", by_http.text
        with psycopg.connect(running.urls["database_url"]) as conn:
            until_true(lambda: heard_of(conn, "sn-1") == {"1", "2"})
        device.stop()
        assert told["secret"] not in running.output()
        assert asked["code"] not in running.output()


def heard_of(conn: psycopg.Connection, device: str) -> set[str]:
    rows = conn.execute("SELECT id FROM reading_track WHERE device = %s", (device,)).fetchall()
    conn.rollback()
    return {id for (id,) in rows}


def test_loopback_is_known() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("broker.example")
