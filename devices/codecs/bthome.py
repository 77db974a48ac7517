"""BTHome version 2: Bluetooth service data `fcd2`, as hex text, on `ble/{mac}/fcd2`.

Objects stand one after the other, id and value; `opening`, `door` and `window` 1 is open. The
lengths are those of https://bthome.io/format/; after an object of unknown length nothing can be
told apart, so reading ends there. Encrypted data needs a key that we do not have.
"""

from collections.abc import Iterator

from devices.codecs.body import JsonObject
from devices.codecs.codec import (
    ButtonPressed,
    Codec,
    Decoded,
    Part,
    nothing,
    refused,
    shared,
    where_from,
)
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Reason

VERSION_2 = 2
LONGEST = 255  # bytes; an advertisement holds no more
PACKET, BATTERY, BATTERY_LOW, BUTTON = 0x00, 0x01, 0x15, 0x3A
OPENINGS = (0x11, 0x1A, 0x1B, 0x2D)  # opening, door, garage door, window
PRESSES = {
    1: "press",
    2: "double_press",
    3: "triple_press",
    4: "long_press",
    5: "long_double_press",
    6: "long_triple_press",
    0x80: "hold_press",
    0xFE: "hold_press",
}
_LENGTHS = {
    1: (0x00, 0x01, 0x09, 0x0F, 0x10, *range(0x15, 0x30), 0x3A, 0x46, 0x57, 0x58, 0x59, 0x60),
    2: (
        *(0x02, 0x03, 0x06, 0x07, 0x08, 0x0C, 0x0D, 0x0E, 0x12, 0x13, 0x14, 0x3C, 0x3D, 0x3F),
        *(0x40, 0x41, 0x43, 0x44, 0x45, 0x47, 0x48, 0x49, 0x4A, 0x51, 0x52, 0x56, 0x5A, 0x5D),
        *(0x5E, 0x5F, 0x61, 0xF0),
    ),
    3: (0x04, 0x05, 0x0A, 0x0B, 0x42, 0x4B, 0xF2),
    4: (0x3E, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x55, 0x5B, 0x5C, 0x62, 0x63, 0xF1),
}
LENGTH = {code: size for size, codes in _LENGTHS.items() for code in codes} | {0x11: 1}


def decode(envelope: Envelope) -> Decoded:
    """An opening, the presses in their order, the battery."""
    data = _bytes(envelope.payload)
    if not data or len(data) > LONGEST:
        return refused(Reason.BAD_VALUE, "service data is written as hex")
    if data[0] >> 5 != VERSION_2:
        return refused(Reason.BAD_VALUE, f"BTHome version {data[0] >> 5} is not 2")
    if data[0] & 1:
        return refused(Reason.ENCRYPTED, "BTHome encryption is on: we have no key")
    found = list(_objects(data[1:]))
    values = dict(found)
    battery = float(values[BATTERY]) if 0 <= values.get(BATTERY, -1) <= 100 else None
    packet = str(values[PACKET]) if PACKET in values else ""
    said = shared(
        envelope, _device(envelope.topic) or where_from(envelope), id=packet, battery=battery
    )
    counter = "packet" if packet else ""
    parts = tuple(Part(reading, counter=counter) for reading in _readings(found, said))
    if not parts and battery is not None:
        parts = (Part(DeviceStatus(**said)),)
    return Decoded(parts) if parts else nothing("no opening, press or battery in it")


def _readings(
    found: list[tuple[int, int]], said: JsonObject
) -> Iterator[DoorMoved | ButtonPressed | DeviceStatus]:
    """In the order of the objects: button events count buttons by their place."""
    for code, value in found:
        if code in OPENINGS:
            yield DoorMoved(open=value == 1, **said)
        elif code == BUTTON and value:
            yield ButtonPressed(action=PRESSES.get(value, "press"), **said)
        elif code == BATTERY_LOW:
            yield DeviceStatus(battery_low=value == 1, **said)


def _objects(data: bytes) -> Iterator[tuple[int, int]]:
    """(object id, unsigned value) in the order written."""
    at = 0
    while at < len(data):
        code = data[at]
        size = LENGTH.get(code)
        if size is None or at + 1 + size > len(data):
            return
        yield code, int.from_bytes(data[at + 1 : at + 1 + size], "little")
        at += 1 + size


def _bytes(payload: bytes) -> bytes:
    try:
        return bytes.fromhex(payload.decode("ascii").strip())
    except (ValueError, UnicodeDecodeError):
        return b""


def _device(topic: str) -> str:
    levels = topic.split("/")
    return levels[1] if len(levels) == 3 else ""


CODEC = Codec(family="bthome", decode=decode, topics=("ble/+/fcd2",))
