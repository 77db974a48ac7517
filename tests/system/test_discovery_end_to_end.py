"""Devices that announce themselves, driven: through the real broker, registered from the console,
understood, and a press of one pages somebody; hostile announcements beside them change nothing."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from devices.recording import read_recording
from tests.clock import TIMEZONE
from tests.system.running import Receiver, Running, carewatch_up
from tests.waiting import PATIENCE, until

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("mosquitto_pub") is None, reason="mosquitto_pub is not here: apt has it"
    ),
]
FILES = Path(__file__).parent.parent / "devices" / "discovery"
TOWN = """\
timezone: {timezone}
areas: [{{id: wangji, name: 王集}}]
clients: [{{id: c-1, name: 王秀英, area: wangji}}, {{id: c-2, name: 李建国, area: wangji}}]
people:
  - {{id: u-1, name: 孙值班, role: on_call, areas: [wangji],
      contacts: [{{channel: "webhook://127.0.0.1:{port}/one"}}]}}
ladders: [{{id: life, for: {{severities: [life]}}, rungs: [{{after: 0, page: [u-1]}}]}}]
"""
BUTTON = "kitchen_left_lighting/stat/BUTTON1"  # of the captured Tasmota
DOOR = "haus/tuer"
DOOR_CONFIG = {
    "stat_t": DOOR,
    "dev_cla": "door",
    "val_tpl": "{{ value_json.zustand }}",
    "pl_on": "offen",
    "pl_off": "zu",
    "avty_t": "haus/da",
    "dev": {"ids": ["haus-1"], "name": "Haustür", "mf": "Bastler"},
}


@pytest.fixture(scope="module")
def phone() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, phone: Receiver) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("discovery")
    (home / "town.yaml").write_text(TOWN.format(timezone=TIMEZONE, port=phone.port))
    with carewatch_up(home / "data") as running:
        loaded = running.carewatch("load", str(home / "town.yaml"))
        assert loaded.returncode == 0, loaded.stderr
        yield running


def publish(running: Running, topic: str, payload: str, *flags: str) -> None:
    address = f"{running.urls['mqtt_url']}/{topic}"
    said = ["-s"] if payload else ["-n"]  # -s takes no empty message
    command = ["mosquitto_pub", "-L", address, "-q", "1", *said, *flags]
    subprocess.run(command, input=payload.encode(), check=True)


def rows(running: Running, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(running.urls["database_url"]) as conn:
        return conn.execute(query, values or None).fetchall()


def register(running: Running, topic: str, **form: str) -> None:
    """As the admin at the machine itself, while nobody has a sign-in."""
    answer = httpx.post(
        f"{running.url}/vendor/discovery", data={"topic": topic, **form}, timeout=PATIENCE
    )
    assert answer.status_code == 303, answer.text


@pytest.fixture(scope="module")
def registered(running: Running) -> Running:
    """A town whose button and door have announced themselves and were registered."""
    for _, each in read_recording(FILES / "tasmota.jsonl"):
        publish(running, each.topic, each.payload.decode(), "-r")
    publish(
        running, "homeassistant/binary_sensor/haus-1/tuer/config", json.dumps(DOOR_CONFIG), "-r"
    )
    until(
        lambda: len(rows(running, "SELECT 1 FROM announcement WHERE topic LIKE '%/haus-1/%'")) == 1
    )
    page = httpx.get(f"{running.url}/vendor/discovery?lang=en", timeout=PATIENCE).text
    assert "Haustür" in page
    assert BUTTON in page
    register(running, BUTTON, id="btn-c1", kind="sos", holder="client:c-1")
    register(running, DOOR, id="door-c2", kind="door", holder="client:c-2")

    def door_understood() -> bool:
        publish(running, DOOR, '{"zustand": "offen"}')
        found = (
            "SELECT body::jsonb ->> 'open' FROM reading WHERE device = 'door-c2' AND kind = 'door'"
        )
        return ("true",) in rows(running, found)

    until(door_understood)
    return running


def test_what_was_registered_is_understood(registered: Running, phone: Receiver) -> None:
    running = registered

    publish(running, "haus/da", "offline")
    gone = (
        "SELECT body::jsonb ->> 'online' FROM reading WHERE device = 'door-c2' AND kind = 'status'"
    )
    until(lambda: rows(running, gone) == [("false",)])
    publish(running, BUTTON, '{"STATE":"TOGGLE"}')
    paged = phone.next_page()
    assert (paged["rule"], paged["subject"], paged["to"]) == ("sos_pressed", "client:c-1", "u-1")


def test_hostile_announcements_change_nothing_for_others(registered: Running) -> None:
    running = registered
    lie = {**DOOR_CONFIG, "pl_on": "zu", "pl_off": "offen", "dev": {"ids": ["liar"]}}
    many = {"cmps": {str(n): {"p": "sensor", "stat_t": f"t/{n}"} for n in range(10_000)}}
    bomb = {"stat_t": "b", "val_tpl": "{% for i in range(10**9) %}{% include 'x' %}{% endfor %}"}
    endless = {"stat_t": "endless", "val_tpl": "{% for i in range(10**9) %}x{% endfor %}"}
    hostile = {
        "homeassistant/binary_sensor/liar/config": json.dumps(lie),
        "homeassistant/device/many/config": json.dumps(many),
        "homeassistant/sensor/large/config": json.dumps({"stat_t": "x", "pad": "x" * 3_900_000}),
        "homeassistant/binary_sensor/bomb/config": json.dumps(bomb),
        "homeassistant/binary_sensor/endless/config": json.dumps(endless),
        "homeassistant/binary_sensor/btn-c1/config": json.dumps(DOOR_CONFIG),  # the button's name
    }
    for topic, payload in hostile.items():
        publish(running, topic, payload)
    refused = "SELECT topic FROM rejection WHERE family = 'homeassistant' ORDER BY topic"
    until(
        lambda: (
            [each for (each,) in rows(running, refused)]
            == [
                "homeassistant/binary_sensor/bomb/config",
                "homeassistant/binary_sensor/btn-c1/config",
                "homeassistant/device/many/config",
                "homeassistant/sensor/large/config",
            ]
        )
    )
    publish(running, DOOR, '{"zustand": "zu"}')
    last = (
        "SELECT body::jsonb ->> 'open' FROM reading WHERE device = 'door-c2' AND kind = 'door'"
        " ORDER BY arrival DESC LIMIT 1"
    )
    until(lambda: rows(running, last) == [("false",)])


def test_a_device_announces_with_its_own_account(registered: Running) -> None:
    running = registered
    added = running.carewatch(
        "device", "add", "node-9", "--kind", "door", "--holder", "client:c-2", "--topic", "n9/door"
    )
    assert added.returncode == 0, added.stderr
    secret = next(
        line.split()[1] for line in added.stdout.splitlines() if line.startswith("secret")
    )
    own = running.urls["mqtt_url"].rpartition("@")[2]
    url = f"mqtt://node-9:{secret}@{own}"
    said = json.dumps({"stat_t": "n9/door/back", "dev_cla": "door", "dev": {"ids": ["n9"]}})
    owner = "SELECT owner FROM announcement WHERE topic LIKE '%node-9%'"

    def announced() -> bool:
        topic = "homeassistant/binary_sensor/node-9/back/config"
        address = f"{url}/{topic}"
        command = ["mosquitto_pub", "-L", address, "-i", "node-9", "-q", "1", "-r", "-m", said]
        subprocess.run(command, check=False, capture_output=True)
        return rows(running, owner) == [("node-9",)]

    until(announced)
