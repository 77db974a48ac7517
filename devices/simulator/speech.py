"""How each simulated device says things: the same facts in the words of its family. Pure."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from devices.directory import Device

TOWN = ZoneInfo("Asia/Shanghai")  # face terminals print local time without a zone


class Publication(msgspec.Struct, frozen=True):
    """One message to publish with QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


def _json(topic: str, body: dict[str, Any]) -> Publication:
    return Publication(topic, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def contract_topic(device: Device, kind: str, site: str) -> str:
    """Return the topic on which a contract device publishes this kind."""
    return f"carewatch/v1/{site}/{kind}/{device.id}"


def _contract(
    device: Device, kind: str, site: str, key: str, at: datetime, **said: Any
) -> Publication:
    body = {"id": key, "at": at.isoformat(timespec="milliseconds"), **said}
    return _json(contract_topic(device, kind, site), body)


def position(
    device: Device, site: str, key: str, at: datetime, where: tuple[float, float], **more: Any
) -> Publication:
    """Return a position message; `more` may hold accuracy (m), battery (%), replayed."""
    lat, lon = round(where[0], 6), round(where[1], 6)
    if not (device.topic or "").startswith("owntracks/"):
        return _contract(device, "position", site, key, at, lat=lat, lon=lon, **more)
    body = {
        "_type": "location",
        "tid": device.id[-2:],
        "tst": int(at.timestamp()),
        "lat": lat,
        "lon": lon,
        "acc": more.get("accuracy", 10),
        "batt": more.get("battery", 80),
    }
    return _json(str(device.topic), body)


def door(
    device: Device, site: str, key: str, at: datetime, opened: bool, battery: int
) -> Publication:
    """Return a door contact's message. Zigbee2MQTT says `contact: true` for a closed one."""
    if not (device.topic or "").startswith("zigbee2mqtt/"):
        return _contract(device, "door", site, key, at, open=opened, battery=battery)
    body = {"contact": not opened, "battery": battery, "last_seen": _iso(at), "linkquality": 90}
    return _json(str(device.topic), body)


def press(device: Device, site: str, key: str, at: datetime, how: str = "short") -> Publication:
    """Return an emergency button's press."""
    if not (device.topic or "").startswith("zigbee2mqtt/"):
        return _contract(device, "sos", site, key, at, press=how)
    return _json(str(device.topic), {"action": "emergency", "battery": 97, "last_seen": _iso(at)})


def heartbeat(device: Device, site: str, key: str, at: datetime, battery: int) -> Publication:
    """Return a device's sign of life."""
    topic = device.topic or ""
    if topic.startswith("zigbee2mqtt/"):
        return _json(topic, {"battery": battery, "last_seen": _iso(at), "linkquality": 84})
    if topic.startswith("mqtt/face/"):
        info = {"facesluiceId": topic.split("/")[2], "time": _terminal_time(at)}
        return _json("mqtt/face/heartbeat", {"operator": "HeartBeat", "info": info})
    return _contract(device, "status", site, key, at, online=True, battery=battery)


def face(device: Device, record: int, at: datetime, person: str, score: float) -> Publication:
    """Return a face terminal's record; person "0" is a stranger."""
    info = {
        "customId": "",
        "personId": person,
        "RecordID": str(record),
        "VerifyStatus": "1" if person != "0" else "2",
        "PersonType": "0",
        "similarity1": f"{score * 100:.6f}",
        "Sendintime": 1,
        "persionName": f"resident {person}",
        "facesluiceId": str(device.topic).split("/")[2],
        "time": _terminal_time(at),
        "PushType": 0,
    }
    return _json(str(device.topic), {"operator": "RecPush", "info": info})


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _terminal_time(at: datetime) -> str:
    return at.astimezone(TOWN).strftime("%Y-%m-%d %H:%M:%S")
