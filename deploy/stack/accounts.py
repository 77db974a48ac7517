"""The accounts of the embedded broker: those of the services, made once, and those of devices."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from core.files import OWNER_ALONE, replace_file
from devices.broker_access import (
    SERVICE,
    SERVICE_ROLE,
    acl_file,
    dynamic_security,
    password_file,
)
from devices.credentials import credentials, hashed

ADMIN = "admin"  # manages the others
ADMIN_TOPICS = "$CONTROL/dynamic-security/#"
FILE = "broker_accounts.json"  # in the data directory, for its owner alone
SECRET = 24  # random bytes
PLUGIN = "mosquitto_dynamic_security.so"
PLACES = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")  # Debian: below /usr/lib/<machine>


def service_secrets(data_dir: Path) -> dict[str, str]:
    """Return the secret of each account of the services; made at the first call, then kept."""
    file = data_dir / FILE
    if not file.exists():
        made = {name: secrets.token_urlsafe(SECRET) for name in (SERVICE, ADMIN)}
        replace_file(file, msgspec.json.encode(made), OWNER_ALONE)
    return msgspec.json.decode(file.read_bytes(), type=dict[str, str])


def dynamic_security_plugin() -> Path | None:
    """Return where Mosquitto's plugin is; None where it is not installed."""
    roots = [Path(each) for each in PLACES if Path(each).is_dir()]
    found = (
        path for root in roots for pattern in ("", "*/") for path in root.glob(pattern + PLUGIN)
    )
    return next(found, None)


def access_settings(home: Path, database_url: str, kept: Mapping[str, str]) -> str:
    """Write the accounts, as the register has them, into the broker's directory.

    Return the lines of `mosquitto.conf` that name them: the plugin, which hears of changes while it
    runs, or password and ACL files where the plugin is missing.
    """
    with psycopg.connect(database_url) as conn:
        known = credentials(conn)
    plugin = dynamic_security_plugin()
    if plugin is not None:
        file = home / "dynamic-security.json"
        replace_file(file, dynamic_security(known, _service_accounts(kept)), OWNER_ALONE)
        return f"plugin {plugin}\nplugin_opt_config_file {file}"
    passwords = password_file(known, f"{SERVICE}:{hashed(kept[SERVICE])}\n")
    replace_file(home / "passwords", passwords.encode(), OWNER_ALONE)
    replace_file(home / "acl", acl_file(known).encode(), OWNER_ALONE)
    return f"password_file {home / 'passwords'}\nacl_file {home / 'acl'}"


def _service_accounts(kept: Mapping[str, str]) -> bytes:
    kinds = ("publishClientSend", "publishClientReceive", "subscribePattern")
    acls = [
        {"acltype": each, "topic": ADMIN_TOPICS, "priority": 0, "allow": True} for each in kinds
    ]
    roles = {SERVICE: SERVICE_ROLE, ADMIN: ADMIN}
    clients = [_client(name, kept[name], role) for name, role in roles.items()]
    return msgspec.json.encode({"clients": clients, "roles": [{"rolename": ADMIN, "acls": acls}]})


def _client(name: str, secret: str, role: str) -> dict[str, Any]:
    _, _, rounds, salt, derived = hashed(secret).split("$")
    return {
        "username": name,
        "roles": [{"rolename": role}],
        "password": derived,
        "salt": salt,
        "iterations": int(rounds),
    }
