"""Device accounts in the forms that a Mosquitto reads, and what each device may do. Pure.

A device speaks on the topics of its payload family and hears those on which its family is
answered (`devices.device_rights`); nothing else. An account is bound to the client id of its own
name, so that nobody takes over the session of somebody else. The hashes are those of the
register: no secret leaves it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from core.errors import CarewatchError
from devices.credentials import Credential, fits, hashed
from devices.device_rights import rights_of
from devices.names import is_reserved

ROLE = "carewatch-device:"  # + the device; the plugin of Mosquitto 2.0 knows no %u in a role
SERVICE = "carewatch"  # the account of the services, and of nobody else
SERVICE_ROLE = "carewatch-service"
CLOSED = {  # what holds where no role says anything
    "publishClientSend": False,
    "publishClientReceive": False,  # nobody is sent what he did not subscribe
    "subscribe": False,
    "unsubscribe": True,
}

Acl = dict[str, object]


def password_file(
    credentials: Iterable[Credential], existing: str = "", service_secret: str | None = None
) -> str:
    """Return the text for `password_file`: one line a device that may sign in, and the services'.

    The lines of services in `existing` are kept; the services' account gets `service_secret`
    where its line does not fit it, or is not there.
    """
    kept = [line for line in existing.splitlines() if is_reserved(line.partition(":")[0])]
    if service_secret is not None and not any(_is_line_of(line, service_secret) for line in kept):
        others = [line for line in kept if line.partition(":")[0] != SERVICE]
        kept = [f"{SERVICE}:{hashed(service_secret)}", *others]
    devices = [f"{_word(each.id)}:{each.secret_hash}" for each in active(credentials)]
    return "".join(f"{line}\n" for line in (*kept, *devices))


def _is_line_of(line: str, service_secret: str) -> bool:
    """Return True if a password file's line lets the services in with this secret."""
    name, _, stored = line.partition(":")
    if name != SERVICE:
        return False
    try:
        return fits(service_secret, stored)
    except ValueError:  # written by mosquitto_passwd in another form
        return False


def acl_file(credentials: Iterable[Credential]) -> str:
    """Return the text for `acl_file`: who may publish and hear what, the services included."""
    service = f"user {SERVICE}\ntopic readwrite #\ntopic read $SYS/#\n"
    return service + "".join(map(_acl_lines, active(credentials)))


def _acl_lines(credential: Credential) -> str:
    rights = rights_of(_word(credential.id), credential.topic)
    lines = [f"user {credential.id}"]
    lines += [f"topic write {each}" for each in rights.speaks]
    lines += [f"topic read {each}" for each in rights.hears]
    return "\n" + "".join(f"{line}\n" for line in lines)


def dynamic_security(credentials: Iterable[Credential], existing: bytes = b"{}") -> bytes:
    """Return the dynamic-security plugin's file: ours replaced, else `existing` as it was.

    Raises CarewatchError when `existing` is not such a file, or has an account of a device's name
    that is none of ours.
    """
    try:
        kept: dict[str, Any] = msgspec.json.decode(existing, type=dict[str, Any])
    except msgspec.DecodeError as wrong:
        raise CarewatchError(f"not a dynamic-security file: {wrong}") from None
    devices = active(credentials)
    others = [c for c in kept.get("clients", []) if not is_device_account(c)]
    _refuse_namesakes(others, devices)
    roles = [r for r in kept.get("roles", []) if not _is_our_role(str(r.get("rolename")))]
    file = {
        **kept,
        "defaultACLAccess": CLOSED,
        "clients": [*others, *map(_client, devices)],
        "roles": [*roles, service_role(), *(role(each.id, each.topic) for each in devices)],
    }
    return msgspec.json.format(msgspec.json.encode(file))


def active(credentials: Iterable[Credential]) -> list[Credential]:
    """Return those devices that may sign in."""
    return [each for each in credentials if each.state == "active" and not is_reserved(each.id)]


def is_device_account(client: Mapping[str, Any]) -> bool:
    """Return True if an account of the dynamic-security plugin is one of ours for a device."""
    return any(str(role.get("rolename")).startswith(ROLE) for role in client.get("roles", []))


def role(device: str, topic: str | None) -> dict[str, object]:
    """Return a device's role as the dynamic-security plugin keeps it."""
    rights = rights_of(device, topic)
    return {"rolename": ROLE + device, "acls": _acls(rights.speaks, rights.hears)}


def service_role() -> dict[str, object]:
    """Return the role of our services: all topics, and what the broker says of itself."""
    hears = ("#", "$SYS/#", "$share/carewatch/#")
    return {"rolename": SERVICE_ROLE, "acls": _acls(("#",), hears)}


def _acls(speaks: Sequence[str], hears: Sequence[str]) -> list[Acl]:
    return [
        *(_acl("publishClientSend", each) for each in speaks),
        *(_acl("subscribePattern", each) for each in hears),
        *(_acl("publishClientReceive", each) for each in hears),
    ]


def _acl(kind: str, topic: str) -> Acl:
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}


def _is_our_role(name: str) -> bool:
    return name.startswith(ROLE) or name == SERVICE_ROLE


def _refuse_namesakes(others: Iterable[Mapping[str, Any]], devices: Iterable[Credential]) -> None:
    ours = {each.id for each in devices}
    taken = [str(each.get("username")) for each in others if each.get("username") in ours]
    if taken:
        raise CarewatchError(
            f"the broker has an account {taken[0]!r} that is no device's: take it out there "
            "(mosquitto_ctrl dynsec deleteClient), or give the device another id"
        )


def _word(device: str) -> str:
    if ":" in device:
        raise CarewatchError(
            f"device {device!r}: a name with a colon can't stand in a password file; "
            "use the dynamic-security form"
        )
    return device


def _client(credential: Credential) -> dict[str, object]:
    _, _, rounds, salt, derived = (credential.secret_hash or "").split("$")
    return {
        "username": credential.id,
        "clientid": credential.id,
        "roles": [{"rolename": ROLE + credential.id}],
        "password": derived,
        "salt": salt,
        "iterations": int(rounds),
    }
