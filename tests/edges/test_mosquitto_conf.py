"""Debian's Mosquitto with our configuration, as docs/how-to/operate.md brings it up."""

import os
import pwd
import re
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest

from deploy import broker_accounts
from devices import registry
from devices.directory import Device, RegisterChange
from tests.broker_fixtures import free_port, listening
from tests.guarded_brokers import PLUGIN
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/operate.md").read_text()
ADMIN, SERVICE = "the administrator's", "the services'"
pytestmark = [
    pytest.mark.edge,
    pytest.mark.skipif(not PLUGIN.exists(), reason="no dynamic-security plugin"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root brings up a broker of its own user"),
]


def commands(first: str) -> str:
    """The block of the page that begins so."""
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(first)]
    return str(found)


class Machine:
    """A machine's directories below one of ours, and its broker."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.services, self.devices = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        user = pwd.getpwnam("mosquitto")
        for name in ("etc/mosquitto/conf.d", "etc/mosquitto/certs", "run/mosquitto"):
            (home / name).mkdir(parents=True)
        (home / "var/lib/mosquitto").mkdir(parents=True)
        for name in ("var/lib/mosquitto", "run/mosquitto"):
            os.chown(home / name, user.pw_uid, user.pw_gid)

    def here(self, text: str) -> str:
        """The text with the machine's paths below our directory, and free ports."""
        moved = re.sub(r"(?<![\w/])/(etc|var|run)/", rf"{self.home}/\1/", text)
        moved = moved.replace("listener 1883", f"listener {self.services}")
        return moved.replace("listener 8883", f"listener {self.devices} 127.0.0.1")

    def run(self, script: str) -> None:
        """Run commands of the page in the checkout."""
        named = self.here(script).replace("YOUR.BROKER.NAME", "localhost")
        given = named.replace("security.json admin", f'security.json admin "{ADMIN}"')
        subprocess.run(
            ["bash", "-eu", "-c", given.replace("systemctl restart mosquitto", "")],
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
                "ADMIN_PASSWORD": ADMIN,
                "CAREWATCH_MQTT_PASSWORD": SERVICE,
            },
            check=True,
            capture_output=True,
            timeout=120,
        )

    def start(self) -> None:
        conf = self.home / "etc/mosquitto/mosquitto.conf"
        conf.write_text(self.here((ROOT / "deploy/mosquitto/mosquitto.conf").read_text()))
        binary = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        assert binary is not None
        self._process = subprocess.Popen(
            [binary, "-c", str(conf)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        until(lambda: self._runs() and listening(self.services) and listening(self.devices))

    def _runs(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._process.communicate()[0].decode()
        return True

    def user(self) -> str:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}").owner()

    def stop(self) -> str:
        assert self._process is not None
        self._process.terminate()
        return self._process.communicate(timeout=60)[0].decode()


@pytest.fixture
def machine() -> Iterator[Machine]:
    # Not in tmp_path, which the user mosquitto can't enter.
    home = Path(tempfile.mkdtemp(prefix="carewatch-machine-"))
    home.chmod(0o755)
    one = Machine(home)
    try:
        yield one
        one.stop()
    finally:
        shutil.rmtree(home)


def refusals(machine: Machine, user: str, secret: str, *, tls: bool) -> bool:
    """Whether the broker refuses this account."""
    answers: list[bool] = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="a firmware's own")
    client.username_pw_set(user, secret)
    client.on_connect = lambda *said: answers.append(bool(said[3].is_failure))
    if tls:
        ca = machine.home / "etc/mosquitto/certs/ca.crt"
        client.tls_set_context(ssl.create_default_context(cafile=str(ca)))
    client.connect("localhost", machine.devices if tls else machine.services)
    client.loop_start()
    until(lambda: answers)
    client.loop_stop()
    client.disconnect()
    return answers[0]


def test_the_commands_of_the_page_bring_up_a_broker_that_keeps_its_accounts(
    machine: Machine, conn: psycopg.Connection
) -> None:
    machine.run(commands("install -m 644 deploy/mosquitto/mosquitto.conf"))
    machine.start()
    assert machine.user() == "mosquitto"
    reach = f'mosquitto_ctrl -h 127.0.0.1 -p {machine.services} -u admin -P "$ADMIN_PASSWORD"'
    ctrl = f'ctrl() {{ {reach} dynsec "$@"; }}\n'
    machine.run(ctrl + commands("ctrl setDefaultACLAccess"))
    registry.apply(conn, RegisterChange(devices=(Device(id="btn-1", kind="sos"),)))
    control = f"mqtt://admin:{ADMIN.replace(' ', '%20')}@127.0.0.1:{machine.services}"
    secret = broker_accounts.rotate(conn, "btn-1", control)
    assert not refusals(machine, "btn-1", secret, tls=True)
    assert refusals(machine, "btn-1", "wrong", tls=True)
    assert not refusals(machine, "carewatch", SERVICE, tls=False)
    said = machine.stop()
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d: ", said, re.MULTILINE)
    machine.start()  # and knows them all the same
    assert not refusals(machine, "btn-1", secret, tls=True)
    assert not refusals(machine, "carewatch", SERVICE, tls=False)


def test_services_are_reached_from_this_machine_alone() -> None:
    lines = (ROOT / "deploy/mosquitto/mosquitto.conf").read_text().splitlines()
    assert [line for line in lines if line.startswith("listener")] == [
        "listener 1883 127.0.0.1",
        "listener 8883",
    ]


def test_compose_has_the_same_but_for_its_places() -> None:
    def settings(name: str) -> set[str]:
        lines = (ROOT / "deploy/mosquitto" / name).read_text().splitlines()
        kept = [line.split("#")[0].strip() for line in lines]
        places = {"/etc/mosquitto": "/mosquitto/config", "/var/lib/mosquitto": "/mosquitto/data"}
        for ours, theirs in places.items():
            kept = [line.replace(ours, theirs) for line in kept]
        return {line.replace("/config/certs", "/certs") for line in kept if line}

    ours, composed = settings("mosquitto.conf"), settings("compose.conf")
    assert ours - composed == {"listener 1883 127.0.0.1", "pid_file /run/mosquitto/mosquitto.pid"}
    assert composed - ours == {"listener 1883"}
