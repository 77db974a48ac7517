"""Real brokers that know accounts: Mosquitto by dynamic security, or by password and ACL files,
with a listener for services and one for devices, as in production; and amqtt with our plugins.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from deploy.stack.embedded import Amqtt, Door
from devices.broker_access import SERVICE, SERVICE_ROLE, acl_file, dynamic_security, password_file
from devices.credentials import Credential, hashed
from tests.broker_fixtures import Broker, free_port

PLUGIN = next(
    iter(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")),
    Path("/usr/lib/mosquitto_dynamic_security.so"),
)
SECRET = "the services' own"
ADMIN_ROLE = {
    "rolename": "admin",
    "acls": [
        {"acltype": kind, "topic": topic, "priority": 0, "allow": True}
        for kind, topic in (
            ("publishClientSend", "$CONTROL/dynamic-security/#"),
            ("publishClientReceive", "$CONTROL/dynamic-security/#"),
            ("subscribePattern", "$CONTROL/dynamic-security/#"),
        )
    ],
}


class GuardedBroker(Broker):
    """A Mosquitto that asks for a password; `url` is the services', `port` their listener's."""

    binds_client_ids = False  # on the services' listener as well

    def __init__(self, directory: Path, settings: Sequence[str]) -> None:
        super().__init__(directory)
        self.device_port = free_port()
        text = self.config.read_text().replace("allow_anonymous true", "allow_anonymous false")
        devices = (f"listener {self.device_port} 127.0.0.1", "use_username_as_clientid true")
        self.config.write_text("\n".join((text, *settings, *devices, "")))

    @property
    def url(self) -> str:
        return f"mqtt://{SERVICE}:{quote(SECRET)}@127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"mqtt://admin:{quote(SECRET)}@127.0.0.1:{self.port}"


def by_dynamic_security(directory: Path, devices: Iterable[Credential]) -> GuardedBroker:
    """Return a broker, not started, whose plugin knows the services, an admin and the devices."""
    directory.mkdir(parents=True, exist_ok=True)
    existing = {
        "clients": [account(SERVICE, SERVICE_ROLE), account("admin", "admin")],
        "roles": [ADMIN_ROLE],
    }
    file = directory / "dynamic-security.json"
    file.write_bytes(dynamic_security(devices, msgspec.json.encode(existing)))
    broker = GuardedBroker(directory, (f"plugin {PLUGIN}", f"plugin_opt_config_file {file}"))
    broker.binds_client_ids = True
    return broker


def by_files(directory: Path, devices: Iterable[Credential]) -> GuardedBroker:
    """Return a broker, not started, that reads our password and ACL files."""
    directory.mkdir(parents=True, exist_ok=True)
    known = list(devices)
    (directory / "passwords").write_text(password_file(known, service_secret=SECRET))
    (directory / "acl").write_text(acl_file(known))
    files = (f"password_file {directory}/passwords", f"acl_file {directory}/acl")
    return GuardedBroker(directory, files)


class GuardedAmqtt:
    """amqtt as `carewatch up` starts it where there is no Mosquitto; it forgets when it stops."""

    binds_client_ids = True

    def __init__(self, directory: Path, database_url: str) -> None:
        self.port = self.device_port = free_port()
        self._directory = directory
        self._database_url = database_url
        self._make()

    def _make(self) -> None:
        door = Door("127.0.0.1", self.port)
        self._broker = Amqtt(self._directory, door, self._database_url)
        self.url = self._broker.url

    def start(self) -> None:
        self._broker.start()

    def stop(self) -> None:
        self._broker.stop()
        self._make()


def account(name: str, role: str) -> dict[str, object]:
    """Return an account of the plugin, with the services' secret."""
    _, _, rounds, salt, derived = hashed(SECRET).split("$")
    return {
        "username": name,
        "roles": [{"rolename": role}],
        "password": derived,
        "salt": salt,
        "iterations": int(rounds),
    }
