"""Device credentials: in the register, at a real Mosquitto, and by the command."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from broker_fixtures import Broker
from typer.testing import CliRunner

from core.errors import CarewatchError
from deploy.cli import app
from deploy.device_changes import add_device, remove_device
from devices import broker_access, registry
from devices.credentials import (
    credential,
    credential_fits,
    credentials,
    fits,
    hashed,
    issue,
    revoke,
)
from devices.directory import Client, Device, RegisterChange

pytestmark = pytest.mark.edge
needs_mosquitto = pytest.mark.skipif(
    shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None,
    reason="mosquitto is not installed: apt-get install mosquitto",
)
PLUGIN = Path("/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so")


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url) as conn:
        devices = (Device(id="btn-1", kind="sos"), Device(id="phone-1", topic="owntracks/u/phone"))
        registry.apply(conn, RegisterChange(devices=devices, clients=(Client(id="c-1"),)))
        conn.commit()
        yield conn


def test_a_hash_fits_its_secret_alone() -> None:
    stored = hashed("secret")
    assert stored.startswith("$7$101$")
    assert fits("secret", stored)
    assert not fits("Secret", stored)
    assert hashed("secret") != stored  # salted


def test_issue_rotate_revoke(conn: psycopg.Connection) -> None:
    first = issue(conn, "btn-1")
    assert credential_fits(conn, "btn-1", first)
    second = issue(conn, "btn-1")
    assert not credential_fits(conn, "btn-1", first)
    assert credential_fits(conn, "btn-1", second)
    revoke(conn, "btn-1")
    revoke(conn, "btn-1")
    assert not credential_fits(conn, "btn-1", second)
    third = issue(conn, "btn-1")
    assert credential_fits(conn, "btn-1", third)


@pytest.mark.parametrize(("device", "secret"), [("none", "x"), ("phone-1", ""), ("a\0b", "x\0")])
def test_no_secret_fits_nothing(conn: psycopg.Connection, device: str, secret: str) -> None:
    assert not credential_fits(conn, device, secret)


def test_the_secret_itself_is_nowhere_in_the_database(conn: psycopg.Connection) -> None:
    secret = issue(conn, "btn-1")
    rows = conn.execute("SELECT device::text FROM device").fetchall()
    assert secret not in str(rows)


def test_unknown_devices_are_named(conn: psycopg.Connection) -> None:
    for change in (issue, revoke):
        with pytest.raises(CarewatchError, match="'btn-9' is not registered"):
            change(conn, "btn-9")
    with pytest.raises(CarewatchError, match="'btn-1' has no secret"):
        revoke(conn, "btn-1")


def test_a_device_added_by_hand_is_known_at_once(conn: psycopg.Connection) -> None:
    directory, since = registry.load_snapshot(conn)
    add_device(conn, Device(id="new", kind="door", holder="client:c-1", topic="x/y"))
    directory, _ = registry.refresh(conn, directory, since)
    assert directory.device_on("x/y") == directory.held_by("client:c-1")[0]
    with pytest.raises(CarewatchError, match="rotate new"):
        add_device(conn, Device(id="new"))
    remove_device(conn, "new")
    assert credential(conn, "new") is None


@pytest.mark.parametrize(
    ("device", "why"),
    [
        (Device(id="a/b"), "none of / "),
        (Device(id="x", holder="client:c-9"), "no such client is registered"),
        (Device(id="x", holder="c-1"), "write one of client:ID"),
        (Device(id="x", topic="a/#"), "one exact topic"),
        (Device(id="x", topic="$CONTROL/dynamic-security/v1"), "kept for services"),
        (Device(id="carewatch-life"), "kept for services"),
        (Device(id="Carewatch"), "kept for services"),
        (Device(id="admin"), "kept for services"),
        (Device(id="x", topic="owntracks/u/phone"), "device topic is taken: "),
        (Device(id="btn-1", kind="door"), "registered already"),
    ],
)
def test_what_can_not_be_added(conn: psycopg.Connection, device: Device, why: str) -> None:
    with pytest.raises(CarewatchError, match=why):
        add_device(conn, device)
    conn.rollback()
    assert credential(conn, "x") is None


@contextmanager
def mosquitto(home: Path, settings: str) -> Iterator[int]:
    """A Mosquitto that lets nobody in but by these settings; yields its port."""
    broker = Broker(home / "broker")
    strict = f"allow_anonymous false\nuse_username_as_clientid true\n{settings}"
    broker.config.write_text(broker.config.read_text().replace("allow_anonymous true", strict))
    broker.start()
    try:
        yield broker.port
    finally:
        broker.stop()


def let_in(port: int, user: str, secret: str) -> bool:
    """Whether the broker accepts the sign-in."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(user, secret)
    client.connect("127.0.0.1", port)
    while not client.is_connected():
        if client.loop(timeout=0.1) != mqtt.MQTT_ERR_SUCCESS:
            return False
    client.disconnect()
    return True


def may_publish(port: int, user: str, secret: str, topic: str) -> bool:
    """What the broker answers a QoS 1 message: MQTT 5 says `not authorized` in the PUBACK."""
    answers: list[bool] = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(user, secret)
    client.on_publish = lambda _c, _u, _m, reason, _p: answers.append(not reason.is_failure)
    client.connect("127.0.0.1", port)
    while not client.is_connected():
        client.loop(timeout=0.1)
    client.publish(topic, "{}", qos=1)
    while not answers:
        client.loop(timeout=0.1)
    client.disconnect()
    return answers[0]


def check_access(port: int, button: str, phone: str) -> None:
    assert let_in(port, "btn-1", button)
    assert not let_in(port, "btn-1", phone)
    own, other = "carewatch/v1/wangji/sos/btn-1", "carewatch/v1/wangji/sos/btn-2"
    assert may_publish(port, "btn-1", button, own)
    assert not may_publish(port, "btn-1", button, other)
    assert not may_publish(port, "btn-1", button, "owntracks/u/phone")
    assert may_publish(port, "phone-1", phone, "owntracks/u/phone")


@needs_mosquitto
def test_mosquitto_reads_our_password_and_acl_file(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    button, phone = issue(conn, "btn-1"), issue(conn, "phone-1")
    (tmp_path / "passwords").write_text(broker_access.password_file(credentials(conn)))
    (tmp_path / "acl").write_text(broker_access.acl_file(credentials(conn)))
    settings = f"password_file {tmp_path}/passwords\nacl_file {tmp_path}/acl\n"
    with mosquitto(tmp_path, settings) as port:
        check_access(port, button, phone)


@needs_mosquitto
@pytest.mark.skipif(not PLUGIN.exists(), reason="Mosquitto's dynamic-security plugin is missing")
def test_mosquitto_reads_our_dynamic_security_file(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    button, phone = issue(conn, "btn-1"), issue(conn, "phone-1")
    file = tmp_path / "dynamic-security.json"
    file.write_bytes(broker_access.dynamic_security(credentials(conn)))
    settings = f"plugin {PLUGIN}\nplugin_opt_config_file {file}\n"
    with mosquitto(tmp_path, settings) as port:
        check_access(port, button, phone)


def test_a_dynamic_security_file_keeps_what_is_not_ours(conn: psycopg.Connection) -> None:
    admin = {"username": "admin", "roles": [{"rolename": "admin"}]}
    before = {"clients": [admin], "roles": [{"rolename": "admin", "acls": []}], "groups": [1]}
    issue(conn, "btn-1")
    once = broker_access.dynamic_security(credentials(conn), json.dumps(before).encode())
    revoke(conn, "btn-1")
    issue(conn, "phone-1")
    twice = json.loads(broker_access.dynamic_security(credentials(conn), once))
    assert [client["username"] for client in twice["clients"]] == ["admin", "phone-1"]
    assert [role["rolename"] for role in twice["roles"]] == [
        "admin",
        "carewatch-service",
        "carewatch-device:phone-1",
    ]
    assert twice["groups"] == [1]
    assert twice["defaultACLAccess"]["publishClientReceive"] is False
    with pytest.raises(CarewatchError, match="not a dynamic-security file"):
        broker_access.dynamic_security([], b"no")
    namesake = json.dumps({"clients": [{"username": "phone-1", "roles": []}]}).encode()
    with pytest.raises(CarewatchError, match="'phone-1' that is no device's"):
        broker_access.dynamic_security(credentials(conn), namesake)


def test_the_command(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", database_url)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["device", *arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout

    def secret_in(output: str) -> str:
        return next(line.split()[1] for line in output.splitlines() if line.startswith("secret"))

    first = secret_in(run("add", "btn-7", "--kind", "sos", "--holder", "client:c-1"))
    assert credential_fits(conn, "btn-7", first)
    second = secret_in(run("rotate", "btn-7"))
    assert credential_fits(conn, "btn-7", second)
    assert "btn-7\tsos\tclient:c-1\t-\thand\tactive\tnever\t-\n" in run("list")
    assert run("export", "passwords").startswith("btn-7:$7$101$")
    run("revoke", "btn-7")
    assert "btn-7\tsos\tclient:c-1\t-\thand\trevoked\tnever\t-\n" in run("list")
    assert run("export", "passwords") == ""
    run("remove", "btn-7")
    assert "btn-7" not in run("list")
