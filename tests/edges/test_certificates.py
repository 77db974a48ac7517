"""A private authority at a real Mosquitto: mutual TLS, and a renewal during which nobody is out."""

import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from typer.testing import CliRunner

from core.errors import CarewatchError
from deploy.authority import Authority
from deploy.cli import app
from devices import registry
from devices.broker_address import Address
from devices.broker_tls import tls_context, with_tls_files
from devices.credentials import credentials, issue
from devices.directory import Device, RegisterChange
from ingest.mqtt.session import Session
from tests.broker_fixtures import free_port, listening
from tests.clock import utc_now
from tests.guarded_brokers import PLUGIN, GuardedBroker, by_dynamic_security

pytestmark = [
    pytest.mark.edge,
    pytest.mark.skipif(not PLUGIN.exists(), reason="no dynamic-security plugin"),
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "certs"
    authority = Authority(home)
    authority.begin(utc_now())
    authority.issue_broker(["localhost", "127.0.0.1"], utc_now())
    authority.issue_client("btn-1", utc_now())
    return home


class Secure:
    """A broker whose third listener asks devices for a certificate."""

    def __init__(self, guarded: GuardedBroker, home: Path) -> None:
        self.guarded = guarded
        self.port = free_port()
        self.home = home
        lines = (
            f"listener {self.port} 127.0.0.1",
            f"cafile {home / 'ca.crt'}",
            f"certfile {home / 'server.crt'}",
            f"keyfile {home / 'server.key'}",
            "require_certificate true",
            "use_identity_as_username true",
            "use_username_as_clientid true",
        )
        text = guarded.config.read_text()
        guarded.config.write_text("\n".join((text, *lines, "")))
        guarded.start()
        until_true(lambda: listening(self.port))

    def reload(self) -> None:
        """Have the broker read its own certificate anew."""
        assert self.guarded.process is not None
        self.guarded.process.send_signal(signal.SIGHUP)

    def restart(self) -> None:
        """Have it read whom it trusts anew: 2.0.11 does not at SIGHUP."""
        self.guarded.stop()
        self.guarded.start()
        until_true(lambda: listening(self.port))

    def url(self, cert: str, ca: str = "ca.crt") -> str:
        base = f"mqtts://localhost:{self.port}"
        files = (self.home / ca, self.home / f"{cert}.crt", self.home / f"{cert}.key")
        return with_tls_files(base, *files)


@pytest.fixture
def secure(conn: psycopg.Connection, tmp_path: Path, home: Path) -> Iterator[Secure]:
    registry.apply(conn, RegisterChange(devices=(Device(id="btn-1", kind="sos"),)))
    issue(conn, "btn-1")
    guarded = by_dynamic_security(tmp_path / "broker", credentials(conn))
    yield Secure(guarded, home)
    guarded.stop()


def until_true(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def reaches(url: str) -> bool:
    """Whether the broker takes this client, a few times asked."""
    session = Session(Address.of(url), "firmware", ("carewatch/v1/+/answer/btn-1",), clean=True)
    session.start()
    deadline = time.monotonic() + 5
    while not session.listening and time.monotonic() < deadline:
        time.sleep(0.02)
    found = session.listening and not session.refused
    session.stop()
    return found


def test_a_device_is_who_its_certificate_says(secure: Secure, tmp_path: Path) -> None:
    assert reaches(secure.url("btn-1"))
    other = Authority(tmp_path / "other")
    other.begin(utc_now())
    other.issue_client("btn-1", utc_now())
    files = (secure.home / "ca.crt", tmp_path / "other/btn-1.crt", tmp_path / "other/btn-1.key")
    assert not reaches(with_tls_files(f"mqtts://localhost:{secure.port}", *files))
    assert not reaches(f"mqtts://localhost:{secure.port}?ca={secure.home / 'ca.crt'}")
    assert not reaches(f"mqtts://localhost:{secure.port}")  # the machine does not trust it


def test_its_account_is_the_certificates_name(secure: Secure) -> None:
    heard: list[str] = []
    service = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    address = Address.of(secure.guarded.url)
    service.username_pw_set(address.user, address.password)
    service.on_message = lambda _c, _u, message: heard.append(message.topic)
    service.on_connect = lambda *_: service.subscribe("carewatch/#", 1)
    service.connect("127.0.0.1", secure.guarded.port)
    service.loop_start()
    until_true(service.is_connected)
    device = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="carewatch-life")
    device.username_pw_set("carewatch", "no password is asked for")
    device.tls_set_context(tls_context(Address.of(secure.url("btn-1")).files))
    device.connect("localhost", secure.port)
    device.loop_start()
    until_true(device.is_connected)
    device.publish("carewatch/v1/w/sos/btn-2", b"{}", qos=1)
    device.publish("carewatch/v1/w/sos/btn-1", b"{}", qos=1).wait_for_publish(60)
    until_true(lambda: bool(heard))
    assert heard == ["carewatch/v1/w/sos/btn-1"]
    for each in (device, service):
        each.loop_stop()
        each.disconnect()


def test_a_renewal_shuts_nobody_out(secure: Secure) -> None:
    home, authority = secure.home, Authority(secure.home)
    old_bundle = home / "old.crt"
    old_bundle.write_bytes((home / "ca.crt").read_bytes())

    authority.renew(utc_now())  # 1. both are trusted, at the broker and at the clients
    secure.restart()
    assert reaches(secure.url("btn-1"))
    assert reaches(secure.url("btn-1", ca="old.crt"))  # a client that has not been told yet
    authority.issue_broker(
        ["localhost"], utc_now()
    )  # 2. the broker shows a certificate of the new one
    secure.reload()
    until_true(lambda: not reaches(secure.url("btn-1", ca="old.crt")))
    assert reaches(secure.url("btn-1"))
    authority.issue_client("btn-1", utc_now())  # 3. the devices, one by one
    assert reaches(secure.url("btn-1"))
    authority.retire()  # 4. the old one is trusted no more
    secure.restart()
    assert reaches(secure.url("btn-1"))


def test_keys_are_their_owners_alone(home: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert {name for name, mode in modes.items() if mode == 0o600} == {
        "ca.key",
        "server.key",
        "btn-1.key",
    }
    assert modes["ca.crt"] == modes["server.crt"] == 0o644


def test_an_authority_is_not_made_twice(home: Path, tmp_path: Path) -> None:
    with pytest.raises(CarewatchError, match="there is an authority"):
        Authority(home).begin(utc_now())
    with pytest.raises(CarewatchError, match="no authority"):
        Authority(tmp_path).issue_client("x", utc_now())


@pytest.mark.parametrize("device", ["carewatch", "carewatch-life", "admin", "a/b", "server", ".."])
def test_no_certificate_is_issued_in_a_services_name(home: Path, device: str) -> None:
    result = CliRunner().invoke(app, ["ca", "client", device, "--dir", str(home)])
    assert isinstance(result.exception, CarewatchError)


def test_the_commands(tmp_path: Path) -> None:
    home = str(tmp_path / "certs")
    for words in (
        ("init",),
        ("broker", "broker.example", "10.0.0.1"),
        ("client", "btn-1"),
        ("init", "--renew"),
        ("retire",),
    ):
        result = CliRunner().invoke(app, ["ca", *words, "--dir", home], catch_exceptions=False)
        assert result.exit_code == 0
        assert home in result.output


def test_a_url_names_its_files_once() -> None:
    ca = Path("/etc/ca one.crt")
    named = with_tls_files("mqtts://u:p@h:1", ca, None, None)
    assert named == "mqtts://u:p@h:1?ca=/etc/ca%20one.crt"
    assert with_tls_files(named, Path("/other"), None, None) == named
    assert with_tls_files("mqtt://h", ca, None, None) == "mqtt://h"
