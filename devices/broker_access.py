"""Device credentials in the forms that a production Mosquitto reads. Pure.

A device may publish on contract topics that end in its own name, and on the topic it is
registered with; nothing else. The hashes are those of the register: no secret leaves it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from core.errors import CarewatchError
from devices.credentials import Credential

OWN_TOPICS = "carewatch/v1/+/+/"  # + the device
ROLE = "carewatch-device:"  # + the device; the plugin of Mosquitto 2.0 knows no %u in a role


def password_file(credentials: Iterable[Credential]) -> str:
    """For `password_file`: one line a device that may sign in."""
    return "".join(f"{_word(each.id)}:{each.secret_hash}\n" for each in _active(credentials))


def acl_file(credentials: Iterable[Credential]) -> str:
    """For `acl_file`: who may publish where."""
    own = f"pattern write {OWN_TOPICS}%u\n"
    return own + "".join(
        f"\nuser {_word(each.id)}\ntopic write {each.topic}\n"
        for each in _active(credentials)
        if each.topic
    )


def dynamic_security(credentials: Iterable[Credential], existing: bytes = b"{}") -> bytes:
    """The dynamic-security plugin's file: ours replaced, everything else of `existing` kept.

    Raises CarewatchError when `existing` is not such a file.
    """
    try:
        kept: dict[str, Any] = msgspec.json.decode(existing, type=dict[str, Any])
    except msgspec.DecodeError as wrong:
        raise CarewatchError(f"not a dynamic-security file: {wrong}") from None
    active = _active(credentials)
    others = [c for c in kept.get("clients", []) if not _is_ours(c)]
    roles = [r for r in kept.get("roles", []) if not str(r.get("rolename")).startswith(ROLE)]
    file = {
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": True,
            "subscribe": False,
            "unsubscribe": True,
        },
        **kept,
        "clients": [*others, *map(_client, active)],
        "roles": [*roles, *map(_role, active)],
    }
    return msgspec.json.format(msgspec.json.encode(file))


def _active(credentials: Iterable[Credential]) -> list[Credential]:
    return [each for each in credentials if each.state == "active"]


def _word(device: str) -> str:
    if ":" in device:
        raise CarewatchError(
            f"device {device!r}: a name with a colon can't stand in a password file; "
            "use the dynamic-security form"
        )
    return device


def _is_ours(client: dict[str, Any]) -> bool:
    return any(str(role.get("rolename")).startswith(ROLE) for role in client.get("roles", []))


def _client(credential: Credential) -> dict[str, object]:
    _, _, rounds, salt, derived = (credential.secret_hash or "").split("$")
    return {
        "username": credential.id,
        "roles": [{"rolename": ROLE + credential.id}],
        "password": derived,
        "salt": salt,
        "iterations": int(rounds),
    }


def _role(credential: Credential) -> dict[str, object]:
    topics = [OWN_TOPICS + credential.id, *([credential.topic] if credential.topic else [])]
    acls = [
        {"acltype": "publishClientSend", "topic": topic, "priority": 0, "allow": True}
        for topic in topics
    ]
    return {"rolename": ROLE + credential.id, "acls": acls}
