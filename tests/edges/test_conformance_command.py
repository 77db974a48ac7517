"""`carewatch conformance` as a vendor starts it: beside a real Mosquitto, and as its own broker."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import httpx
import paho.mqtt.client as paho
import psycopg
import pytest
from broker_fixtures import Broker, free_port, listening
from paho.mqtt.enums import CallbackAPIVersion

from devices.credentials import issue
from tests.clock import utc_now
from tests.waiting import until

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


def started(directory: Path, database_url: str, *options: str) -> subprocess.Popen[str]:
    """Start the command and return when it says that it listens."""
    environment = os.environ | {
        "CAREWATCH_DATABASE_URL": database_url,
        "CAREWATCH_DATA_DIR": str(directory),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy", "conformance", "--json", "-", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("listening on"), line + process.stderr.read()
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, str]]:
    out, _ = process.communicate(timeout=300)
    results = json.loads(out)["results"]
    return process.returncode, {each["check"]: each["state"] for each in results}


def of(state: str, found: dict[str, str]) -> set[str]:
    return {check for check, each in found.items() if each == state}


def heard_once(
    broker: Broker, database_url: str, tmp_path: Path, qos: int, *messages: tuple[str, bytes]
) -> tuple[int, dict[str, str]]:
    """Publish each message once, as soon as the command says that it listens."""
    process = started(
        tmp_path, database_url, "--device", "btn-1", "--seconds", "4", "--mqtt-url", broker.url
    )
    for topic, payload in messages:
        publish = ["mosquitto_pub", "-p", str(broker.port), "-q", str(qos), "-t", topic, "-s"]
        subprocess.run(publish, input=payload, check=True)
    return ended(process)


def test_a_button_that_shows_everything_passes(broker: Broker, button: str, tmp_path: Path) -> None:
    code, found = heard_once(
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
    assert (code, set(found.values())) == (0, {"pass"})


def test_what_may_be_lost_fails_and_what_was_not_shown_needs_a_person(
    broker: Broker, button: str, tmp_path: Path
) -> None:
    messages = (said("status", "s-1"), said("door", "d-1", open=True), said("status", "s-2"))
    code, found = heard_once(broker, button, tmp_path, 0, *messages)
    assert (code, of("fail", found)) == (1, {"qos_1"})
    assert of("needs a person", found) == {"sos_press", "last_will", "replayed_flag"}


class Terminal:
    """A terminal on paho: a will, QoS 1, a `status` each half second, also through an outage."""

    def __init__(self, port: int, secret: str, qos: int = 1) -> None:
        self._qos = qos
        self._port = port
        self._stop = threading.Event()
        self._client = self._new(secret)
        self._thread = threading.Thread(target=self._speak)

    def _new(self, secret: str) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="term-1", clean_session=True)
        client.username_pw_set("term-1", secret)
        client.reconnect_delay_set(1, 1)
        will = {"id": "will", "at": utc_now().isoformat(), "online": False}
        client.will_set("carewatch/v1/f/status/term-1", json.dumps(will), qos=1)
        return client

    def __enter__(self) -> "Terminal":
        self._client.connect("127.0.0.1", self._port, keepalive=10)
        self._client.loop_start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.loop_stop()

    def _speak(self) -> None:
        for n in count():
            if self._stop.wait(0.5):
                return
            up = self._client.is_connected()
            body = {"id": f"s-{n}", "at": utc_now().isoformat(), "online": True}
            payload = json.dumps(body if up else body | {"replayed": True})
            self._client.publish("carewatch/v1/f/status/term-1", payload, qos=self._qos)


Start = Callable[..., tuple[subprocess.Popen[str], int, str]]


@pytest.fixture
def own_door(database_url: str, tmp_path: Path) -> Start:
    def start(*options: str, door: str = "--listen") -> tuple[subprocess.Popen[str], int, str]:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("INSERT INTO device (id, kind) VALUES ('term-1', 'terminal')")
            secret = issue(conn, "term-1")
        port = free_port()
        where = ("--device", "term-1", door, f"127.0.0.1:{port}", "--beat", "4")
        process = started(tmp_path, database_url, *where, *options)
        assert until(lambda: listening(port))
        return process, port, secret

    return start


def test_a_good_terminal_comes_back_from_all_that_its_broker_does(
    own_door: Start, tmp_path: Path
) -> None:
    junit = tmp_path / "junit.xml"
    process, port, secret = own_door("--seconds", "120", "--junit", str(junit))
    with Terminal(port, secret):
        code, found = ended(process)
    assert (code, of("pass", found)) == (0, set(found)), found
    assert {"resends", "reconnects", "survives_restart", "slow_answer", "last_will"} <= set(found)
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("failures"), suite.get("tests")) == ("0", str(len(found)))


def test_a_terminal_at_qos_0_fails_that_alone_and_nothing_could_be_withheld(
    own_door: Start,
) -> None:
    process, port, secret = own_door("--seconds", "12")
    with Terminal(port, secret, qos=0):
        code, found = ended(process)
    assert (code, of("fail", found)) == (1, {"qos_1"})
    assert "resends" in of("needs a person", found)


class Poster:
    """A terminal on HTTP: posts a `status` each half second, each until a 2xx answer has come."""

    def __init__(self, port: int, secret: str, *, forgets: bool = False) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=("term-1", secret))
        self._forgets = forgets
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._speak)

    def __enter__(self) -> "Poster":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _speak(self) -> None:
        for n in count():
            body = {"id": f"s-{n}", "at": utc_now().isoformat(), "online": True}
            while not self._taken(body) and not self._forgets:
                if self._stop.wait(0.2):
                    return
            if self._stop.wait(0.5):
                return

    def _taken(self, body: dict[str, object]) -> bool:
        try:
            answer = self._client.post("/ingest/v1/f/status/term-1", json=body)
        except httpx.HTTPError:
            return False
        return answer.is_success


@pytest.mark.parametrize("forgets", [False, True])
def test_a_terminal_by_http_posts_again_what_was_not_taken(own_door: Start, forgets: bool) -> None:
    process, port, secret = own_door("--seconds", "10", door="--http")
    with Poster(port, secret, forgets=forgets):
        code, found = ended(process)
    lost = {"resends_refused", "resends_unanswered"}
    assert (code, of("fail", found)) == (int(forgets), lost if forgets else set())
    assert of("needs a person", found) == {"replayed_flag"}
    assert lost <= set(found)
    assert not {"qos_1", "last_will", "reconnects"} & set(found)


def test_an_http_terminal_with_a_wrong_secret_is_told_401(own_door: Start) -> None:
    process, port, _ = own_door("--seconds", "4", door="--http")
    with Poster(port, "wrong"):
        code, found = ended(process)
    assert (code, of("fail", found) >= {"signs_in", "heard"}) == (1, True)


def test_a_terminal_with_a_wrong_secret_is_refused(own_door: Start) -> None:
    process, port, _ = own_door("--seconds", "6")
    with Terminal(port, "wrong"):
        code, found = ended(process)
    assert (code, found["signs_in"], found["heard"]) == (1, "fail", "fail")


def test_an_address_that_is_taken_is_one_clear_line(broker: Broker, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy", "conformance", "--device", "x"]
    for place in (f"127.0.0.1:{broker.port}", "nowhere"):
        said = subprocess.run(
            [*command, "--listen", place],
            env=os.environ | {"CAREWATCH_DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert (said.returncode, len(said.stderr.splitlines())) == (2, 1)
        assert f"--listen {place}" in said.stderr
