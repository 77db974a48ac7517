"""What LoRaWAN sensors say, whichever network server passes it on.

A network server hands over either fields that its own decoder made of the frame, under the
makers' names, or the bare frame. Polarity: Milesight and Dragino write 1 (or "open") for open.
Frames are read for Milesight (port 85; github.com/Milesight-IoT/SensorDecoders) and the Dragino
LDS02 door sensor (port 10; wiki.dragino.com).
"""

import struct
from collections.abc import Iterator
from datetime import datetime

import msgspec

from devices.codecs.body import JsonObject
from devices.codecs.buttons import action_in
from devices.codecs.codec import ButtonPressed, Decoded, Part, measured, refused, shared
from devices.codecs.fields import accuracy, number, percent, text
from devices.codecs.times import from_unix
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Position, Reading, Reason, SosPressed

MILESIGHT_PORT = 85
DRAGINO_PORT = 10
# Names as decoders write them, in small letters: capitals differ from decoder to decoder.
DOORS = (
    *("magnet_status", "magnet", "magnetstatus", "door", "door_status", "door_state"),
    *("doorstatus", "doorstate", "door_open_status", "door_open", "open", "is_open", "opened"),
    *("contact_state", "contact_status", "reed", "reed_state", "window", "window_status"),
)
PRESSES = ("press", "button_event", "button_status", "button", "buttonevent", "presstype")
ALARMS = (
    *("sos", "sos_alarm", "sosalarm", "sos_event", "sos_status", "panic", "emergency"),
    *("alarm_status", "alarm_button", "button_alarm", "panic_button", "emergency_call"),
)
BATTERIES = (
    *("battery", "battery_level", "batterylevel", "battery_percent", "batterypercent", "bat"),
    *("battery_percentage", "batt"),
)
LOW_BATTERIES = ("battery_low", "batterylow", "low_battery", "lowbattery")
OPEN = ("open", "opened", "1", "true", "on")
CLOSED = ("close", "closed", "0", "false", "off")
YES = ("1", "true", "yes", "on", "alarm", "sos", "pressed", "active")
NO = ("0", "false", "no", "off", "normal")
_UNSURE = ("press",)  # the action of a field that only says that it is not 0
LDS02 = 1  # the working mode, third byte of Dragino's door sensor
MILESIGHT_PRESSES = {"1": "short", "2": "long", "3": "double"}
_MILESIGHT_SIZES = {  # channel and type -> bytes of value
    b"\x01\x75": 1,  # battery, percent
    b"\x03\x67": 2,  # temperature, 0.1 °C
    b"\x04\x68": 1,  # humidity, 0.5 %
    b"\x06\x00": 1,  # magnet: 1 open
    b"\x03\x00": 1,  # door: 1 open
    b"\x04\x00": 1,  # install
    b"\xff\x2e": 1,  # press
    b"\x04\x88": 9,  # longitude and latitude in 1e-6 degrees, state
    b"\x05\x00": 1,  # tilt
    b"\x06\xd9": 9,  # a wireless network heard
    b"\x20\xce": 8,  # a stored record: Unix time, temperature, humidity, magnet
    b"\xff\x01": 1,  # ipso version
    b"\xff\x09": 2,  # hardware
    b"\xff\x0a": 2,  # firmware
    b"\xff\x0b": 1,  # power on
    b"\xff\x0f": 1,  # class
    b"\xff\x08": 6,  # serial number
    b"\xff\x16": 8,  # serial number
    b"\xff\xff": 2,  # tsl version
}


class Uplink(msgspec.Struct, frozen=True, kw_only=True):
    """One uplink, as any network server tells it."""

    device: str
    names: tuple[str, ...] = ()
    id: str = ""
    counter: str = ""  # what `id` counts, where it is made of a counter
    at: datetime | None = None
    fields: JsonObject = {}  # what the server's decoder made of the frame
    frame: bytes = b""
    port: int | None = None
    model: str = ""  # maker, model or profile, as the server names it
    signal: float | None = None  # dBm, of the gateway that heard it best


def decoded(uplink: Uplink, envelope: Envelope) -> Decoded:
    """The readings of one uplink, stored records first; at least a sign of life."""
    named, stored = _read(uplink)
    live = {name.casefold(): value for name, value in named.items()}
    battery = next((p for key in BATTERIES if (p := percent(live.get(key))) is not None), None)
    said = shared(envelope, uplink.device, uplink.at, id=uplink.id, battery=battery)
    readings: list[Reading | ButtonPressed] = [*_records(stored, uplink, envelope)]
    readings += [*_doors(live, said), *_presses(live, said), *_places(live, said)]
    low = _low(live)
    if low is not None or not readings or not any(map(_is_plain_news, readings)):
        readings.append(DeviceStatus(online=True, signal=uplink.signal, battery_low=low, **said))
    parts = tuple(_part(reading, uplink) for reading in readings)
    return Decoded(parts, measured=measured(named, said, uplink.names, shared=True))


def _part(reading: Reading | ButtonPressed, uplink: Uplink) -> Part:
    counted = bool(uplink.id) and reading.id == uplink.id
    return Part(reading, uplink.names, shared=True, counter=uplink.counter if counted else "")


def _is_plain_news(reading: Reading | ButtonPressed) -> bool:
    """Whether a reading stands by itself: a field that may be no button at all does not."""
    return not isinstance(reading, ButtonPressed) or reading.action not in _UNSURE


def _low(fields: JsonObject) -> bool | None:
    written = next((_word(fields[key]) for key in LOW_BATTERIES if key in fields), "")
    return written in YES if written in (*YES, *NO) else None


def _read(uplink: Uplink) -> tuple[JsonObject, list[tuple[datetime, bool]]]:
    """The fields of now, and the stored (time, open) records, of an uplink."""
    if uplink.fields:
        return uplink.fields, []
    if uplink.port == MILESIGHT_PORT:
        return _milesight(uplink.frame, uplink.model)
    if uplink.port == DRAGINO_PORT and len(uplink.frame) >= 3 and uplink.frame[2] == LDS02:
        return {"DOOR_OPEN_STATUS": uplink.frame[0] >> 7}, []
    return {}, []


# ------------------------------------------------------------------ fields under makers' names


def _doors(fields: JsonObject, said: JsonObject) -> Iterator[DoorMoved]:
    words = (_word(fields.get(key)) for key in DOORS)
    state = next((word for word in words if word in (*OPEN, *CLOSED)), None)
    if state is not None:
        yield DoorMoved(open=state in OPEN, **said)


def _presses(fields: JsonObject, said: JsonObject) -> Iterator[SosPressed | ButtonPressed]:
    if any(_word(fields.get(key)) in YES for key in ALARMS):
        yield SosPressed(**said)
        return
    written = next((fields[key] for key in PRESSES if fields.get(key) not in (None, "", 0)), None)
    if isinstance(written, dict):
        written = written.get("status")
    action = MILESIGHT_PRESSES.get(_word(written), text(written)) or action_in(fields)
    if action is not None:
        yield ButtonPressed(action=action, **said)


def _places(fields: JsonObject, said: JsonObject) -> Iterator[Position]:
    lat = number(fields.get("latitude", fields.get("lat")))
    lon = number(fields.get("longitude", fields.get("lon", fields.get("lng"))))
    if lat is not None and lon is not None and (lat or lon):  # 0/0: no fix
        yield Position(lat=lat, lon=lon, accuracy=accuracy(fields.get("accuracy")), **said)


def _word(written: object) -> str:
    if isinstance(written, float) and written.is_integer():
        written = int(written)
    return str(written).strip().casefold() if isinstance(written, str | int | float) else ""


# ------------------------------------------------------------------ bare frames


def _records(
    stored: list[tuple[datetime, bool]], uplink: Uplink, envelope: Envelope
) -> Iterator[DoorMoved]:
    for at, is_open in stored:
        key = f"record-{at.timestamp():.0f}"  # the same whenever it is sent again
        yield DoorMoved(open=is_open, **shared(envelope, uplink.device, at, id=key, replayed=True))


def _milesight(frame: bytes, model: str) -> tuple[JsonObject, list[tuple[datetime, bool]]]:
    """Channel, type, value, and again; what follows an unknown channel can't be told apart."""
    fields: JsonObject = {}
    stored: list[tuple[datetime, bool]] = []
    rest = frame
    while len(rest) >= 2:
        size = _MILESIGHT_SIZES.get(rest[:2])
        value, rest, channel = rest[2 : 2 + (size or 0)], rest[2 + (size or 0) :], rest[:2]
        if size is None or len(value) < size:
            break
        if channel == b"\x01\x75":
            fields["battery"] = value[0]
        elif channel == b"\x06\x00" or (channel == b"\x03\x00" and _may_be_door(model)):
            fields["magnet_status"] = value[0]
        elif channel == b"\x03\x67":
            fields["temperature"] = int.from_bytes(value, "little", signed=True) / 10
        elif channel == b"\x04\x68":
            fields["humidity"] = value[0] / 2
        elif channel == b"\xff\x2e":
            fields["press"] = value[0]
        elif channel == b"\x04\x88":
            fields["longitude"], fields["latitude"] = (
                degrees / 1e6 for degrees in struct.unpack("<ii", value[:8])
            )
        elif channel == b"\x20\xce":
            stored.append((from_unix(int.from_bytes(value[:4], "little")), bool(value[7])))
    return fields, stored


def _may_be_door(model: str) -> bool:
    """Channel 03 00 is the door of a WS301 and the motion of a WS202."""
    return not model or "WS301" in model.upper()


# ------------------------------------------------------------------ what the servers share


def best_signal(gateways: object) -> float | None:
    """The strongest rssi (dBm) among the gateways that heard a frame."""
    heard = gateways if isinstance(gateways, list) else []
    signals = [number(one.get("rssi")) for one in heard if isinstance(one, dict)]
    return max((signal for signal in signals if signal is not None), default=None)


def solved_location(where: object, names: tuple[str, ...], said: JsonObject) -> Decoded:
    """A position that the network worked out from the radio."""
    if not isinstance(where, dict):
        return refused(Reason.MISSING_FIELD, "location is missing")
    lat, lon = number(where.get("latitude")), number(where.get("longitude"))
    if lat is None or lon is None:
        return refused(Reason.MISSING_FIELD, "latitude or longitude is missing")
    reading = Position(lat=lat, lon=lon, accuracy=accuracy(where.get("accuracy")), **said)
    return Decoded((Part(reading, names[1:], shared=True),))
