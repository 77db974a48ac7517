"""Devices' accounts at a running Mosquitto: given, taken and kept right without a restart."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from typer.testing import CliRunner

from core.errors import CarewatchError
from deploy import broker_accounts
from deploy.checkup import of_accounts
from deploy.cli import app
from devices import registry
from devices.credentials import credential_fits, credentials, issue, revoke
from devices.directory import Device, RegisterChange
from ingest.lanes.accounts import Keeper, compared
from ingest.mqtt.control import BrokerControl
from tests.guarded_brokers import PLUGIN, GuardedBroker, by_dynamic_security

pytestmark = [
    pytest.mark.edge,
    pytest.mark.skipif(not PLUGIN.exists(), reason="no dynamic-security plugin"),
]
CUT_OFF = 5.0  # seconds that a revoked device may still be connected; promised


@pytest.fixture
def devices(conn: psycopg.Connection) -> psycopg.Connection:
    found = (Device(id="btn-1", kind="sos"), Device(id="phone-1", topic="owntracks/u/phone"))
    registry.apply(conn, RegisterChange(devices=found))
    return conn


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedBroker]:
    broker = by_dynamic_security(tmp_path / "broker", ())
    broker.start()
    yield broker
    broker.stop()


class Live:
    """A device that stays connected."""

    def __init__(self, broker: GuardedBroker, device: str, secret: str) -> None:
        self.refused = False
        version = mqtt.CallbackAPIVersion.VERSION2
        self.client = mqtt.Client(version, client_id=f"firmware-{os.getpid()}")
        self.client.username_pw_set(device, secret)
        self.client.on_connect = self._on_connect
        self.client.connect("127.0.0.1", broker.device_port)
        self.client.loop_start()

    def _on_connect(self, *said: object) -> None:
        self.refused = bool(getattr(said[3], "is_failure", False))

    def says(self, topic: str) -> bool:
        """Whether the broker acknowledges a message (3.1.1: it acknowledges forbidden ones too)."""
        message = self.client.publish(topic, b"{}", qos=1)
        message.wait_for_publish(20)
        return message.is_published()

    def stop(self) -> None:
        self.client.loop_stop()
        self.client.disconnect()


def until_true(what: Callable[[], bool], within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not what():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def live(broker: GuardedBroker, device: str, secret: str) -> Live:
    found = Live(broker, device, secret)
    until_true(found.client.is_connected)
    return found


def is_refused(broker: GuardedBroker, device: str, secret: str) -> bool:
    found = Live(broker, device, secret)
    until_true(lambda: found.refused or found.client.is_connected())
    found.stop()
    return found.refused


def test_from_the_first_secret_to_the_removal(
    devices: psycopg.Connection, guarded: GuardedBroker
) -> None:
    url = guarded.admin_url
    first = broker_accounts.add(devices, Device(id="new", kind="sos"), url)
    device = live(guarded, "new", first)
    assert device.says("carewatch/v1/w/sos/new")
    second = broker_accounts.rotate(devices, "new", url)
    until_true(lambda: device.refused)
    device.stop()
    assert is_refused(guarded, "new", first)
    device = live(guarded, "new", second)
    broker_accounts.shut_out(devices, "new", url)
    until_true(lambda: device.refused)
    device.stop()
    assert is_refused(guarded, "new", second)
    third = broker_accounts.rotate(devices, "new", url)
    device = live(guarded, "new", third)
    broker_accounts.take_out(devices, "new", url)
    until_true(lambda: device.refused)
    device.stop()
    with BrokerControl(url) as control:
        assert control.account("new") is None


def test_a_secret_is_not_issued_when_the_broker_does_not_agree(
    devices: psycopg.Connection, guarded: GuardedBroker
) -> None:
    secret = broker_accounts.rotate(devices, "btn-1", guarded.admin_url)
    guarded.stop()
    with pytest.raises(CarewatchError, match="does not answer"):
        broker_accounts.rotate(devices, "btn-1", guarded.admin_url)
    assert credential_fits(devices, "btn-1", secret)
    guarded.start()
    live(guarded, "btn-1", secret).stop()
    with pytest.raises(CarewatchError, match=r"may not manage|does not answer"):
        broker_accounts.rotate(devices, "btn-1", guarded.url)


def test_an_account_that_is_no_devices_is_left_alone(
    devices: psycopg.Connection, guarded: GuardedBroker
) -> None:
    with BrokerControl(guarded.admin_url) as control:
        control.insist(
            [{"command": "createClient", "username": "btn-1", "password": "x", "roles": []}]
        )
    with pytest.raises(CarewatchError, match="no device's"):
        broker_accounts.rotate(devices, "btn-1", guarded.admin_url)


def test_what_was_revoked_while_the_broker_was_away_is_made_right(
    devices: psycopg.Connection, database_url: str, guarded: GuardedBroker
) -> None:
    secrets = {
        each: broker_accounts.rotate(devices, each, guarded.admin_url)
        for each in ("btn-1", "phone-1")
    }
    guarded.stop()
    with pytest.raises(CarewatchError, match="btn-1: revoked, but"):
        broker_accounts.shut_out(devices, "btn-1", guarded.admin_url)
    registry.remove(devices, "device", ["phone-1"])
    guarded.start()
    held = [live(guarded, device, secret) for device, secret in secrets.items()]
    keeper = Keeper(guarded.admin_url, database_url)
    keeper.tend(active=True, changed=True)
    keeper.start()
    until_true(lambda: all(each.refused for each in held))
    keeper.stop()
    for each in held:
        each.stop()
    with BrokerControl(guarded.admin_url) as control:
        assert control.account("phone-1") is None
        assert compared(control, credentials(devices)).commands == ()


def test_a_revocation_in_the_register_alone_cuts_a_live_device_off(
    devices: psycopg.Connection, database_url: str, guarded: GuardedBroker
) -> None:
    secret = broker_accounts.rotate(devices, "btn-1", guarded.admin_url)
    keeper = Keeper(guarded.admin_url, database_url)
    keeper.tend(active=True, changed=False)
    keeper.start()
    device = live(guarded, "btn-1", secret)
    time.sleep(3)  # the first comparison is over
    assert not device.refused
    revoke(devices, "btn-1")
    until_true(lambda: not device.client.is_connected(), within=CUT_OFF)
    until_true(lambda: device.refused)
    device.stop()
    keeper.stop()


def test_roles_follow_a_topic_that_changes(
    devices: psycopg.Connection, guarded: GuardedBroker
) -> None:
    broker_accounts.rotate(devices, "phone-1", guarded.admin_url)
    devices.execute("UPDATE device SET topic = 'owntracks/v/phone' WHERE id = 'phone-1'")
    with BrokerControl(guarded.admin_url) as control:
        found = compared(control, credentials(devices))
        assert [each["command"] for each in found.commands] == ["modifyRole"]
        control.insist(found.commands)
        assert compared(control, credentials(devices)).commands == ()


def test_what_only_a_person_can_mend_is_named(
    devices: psycopg.Connection, guarded: GuardedBroker
) -> None:
    issue(devices, "btn-1")
    with BrokerControl(guarded.admin_url) as control:
        assert compared(control, credentials(devices)).missing == ("btn-1",)


def test_doctor_names_accounts_that_are_missing_or_too_many(
    devices: psycopg.Connection, database_url: str, guarded: GuardedBroker
) -> None:
    def said() -> list[str]:
        return [each.says for each in of_accounts(guarded.admin_url, database_url)]

    assert said() == ["its accounts are those of the register"]
    broker_accounts.rotate(devices, "btn-1", guarded.admin_url)
    revoke(devices, "btn-1")
    issue(devices, "phone-1")
    assert said() == [
        "phone-1: a secret in the register and no account at the broker",
        "btn-1: an account at the broker and no right to it",
    ]


def test_doctor_names_a_broker_that_sends_what_nobody_may_hear(
    database_url: str, guarded: GuardedBroker
) -> None:
    with BrokerControl(guarded.admin_url) as control:
        acl = {"acltype": "publishClientReceive", "allow": True}
        control.insist([{"command": "setDefaultACLAccess", "acls": [acl]}])
    said = [each.says for each in of_accounts(guarded.admin_url, database_url)]
    assert "it sends clients what no role of theirs lets them hear" in said


def test_many_accounts_are_listed_page_by_page(guarded: GuardedBroker) -> None:
    with BrokerControl(guarded.admin_url) as control:
        names = [f"d-{n}" for n in range(1_100)]
        control.insist([{"command": "createRole", "rolename": each, "acls": []} for each in names])
        assert {each["rolename"] for each in control.roles()} >= set(names)


def test_the_commands(
    devices: psycopg.Connection,
    database_url: str,
    guarded: GuardedBroker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", database_url)
    monkeypatch.setenv("CAREWATCH_MQTT_CONTROL_URL", guarded.admin_url)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["device", *arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout

    said = run("add", "btn-7", "--kind", "sos")
    secret = next(line.split()[1] for line in said.splitlines() if line.startswith("secret"))
    device = live(guarded, "btn-7", secret)
    assert run("revoke", "btn-7") == "btn-7: revoked\n"
    until_true(lambda: not device.client.is_connected(), within=CUT_OFF)
    device.stop()
