"""GPS watches and pendants of the 3G / SG / ZJ kind (SeTracker), passed on by a gateway as text.

`[3G*{id}*{length}*{command},{fields}]`, several in a row allowed. Times are DDMMYY,HHMMSS in
UTC, speed km/h, `V` is no fix. The status word is read bit by bit: a low battery must not hide
the SOS bit. Written after Traccar's protocol notes and its published test messages.
"""

import re
from datetime import datetime

from devices.codecs.codec import Codec, Decoded, Part, bounded, nothing, refused, shared
from devices.codecs.fields import KMH, at_least_zero, number, percent
from devices.envelope import Envelope
from devices.readings import DeviceStatus, Position, Reason, Rejection, SosPressed

FRAME = re.compile(
    r"\[(?:3G|SG|CS|ZJ)\*(?P<id>\d{6,15})(?:\*[0-9A-Fa-f]{4}){1,2}\*(?P<text>[^\[\]]*)\]"
)
PLACES = ("UD", "AL", "WT")  # commands that begin so carry a place
BEATS = ("LK", "TKQ", "TKQ2", "INIT")
SOS_BIT = 16
FAULT_BITS = {20: "removed", 21: "fall", 22: "fall", 0: "low_battery", 17: "low_battery"}
BATTERY_FIELD, STATUS_FIELD = 12, 15  # of the fields after the command


def decode(envelope: Envelope) -> Decoded:
    """Every frame in its order: presses, places, heartbeats; measurements are ignored."""
    frames, more = bounded(FRAME.finditer(envelope.payload.decode("utf-8", "replace")))
    if not frames:
        return refused(Reason.BAD_VALUE, "no [3G*id*length*command] frame in it")
    parts = (*(part for frame in frames for part in _frame(frame, envelope)), *more)
    return Decoded(parts) if parts else nothing("a measurement of the watch")


def _frame(frame: re.Match[str], envelope: Envelope) -> list[Part | Rejection]:
    command, *fields = frame["text"].split(",")
    if command in BEATS:
        battery = percent(fields[-1]) if command == "LK" and len(fields) >= 2 else None
        beat = DeviceStatus(online=True, **shared(envelope, frame["id"], battery=battery))
        return [_part(beat, frame)]
    if command.startswith("AL") and fields and not fields[0].isdigit():
        fields = fields[1:]  # a name some firmware puts in front
    if not command.startswith(PLACES):
        return []
    at = _time(fields)
    written = _at(fields, 0) + _at(fields, 1)
    untimed = (
        Rejection(Reason.BAD_VALUE, f"{written[:20]!r} is no DDMMYYHHMMSS") if not at else None
    )
    said = shared(envelope, frame["id"], at, battery=percent(_at(fields, BATTERY_FIELD)))
    bits = _bits(_at(fields, STATUS_FIELD))
    place = _place(fields)
    readings: list[Position | SosPressed | DeviceStatus] = []
    if SOS_BIT in bits:
        readings.append(SosPressed(lat=place and place[0], lon=place and place[1], **said))
    if place is not None:
        speed = at_least_zero(_at(fields, 7), KMH)
        readings.append(Position(lat=place[0], lon=place[1], speed=speed, **said))
    fault = next((word for bit, word in FAULT_BITS.items() if bit in bits), None)
    if fault is not None or not readings:
        readings.append(DeviceStatus(fault=fault, **said))
    parts: list[Part | Rejection] = [_part(reading, frame) for reading in readings]
    return [*parts, untimed] if untimed and SOS_BIT in bits else parts


def _part(reading: Position | SosPressed | DeviceStatus, frame: re.Match[str]) -> Part:
    """Ids are made from the frame: a gateway may group frames anew."""
    kind = type(reading).__name__
    return Part(reading, content=f"{kind} {frame.group()}".encode("utf-8", "replace"))


def _at(fields: list[str], index: int) -> str:
    return fields[index] if index < len(fields) else ""


def _time(fields: list[str]) -> datetime | None:
    try:
        return datetime.strptime(f"{_at(fields, 0)}{_at(fields, 1)}+0000", "%d%m%y%H%M%S%z")
    except ValueError:
        return None


def _place(fields: list[str]) -> tuple[float, float] | None:
    """(lat, lon) of a valid fix; a sign that is there already is not turned again."""
    lat, lon = number(_at(fields, 3)), number(_at(fields, 5))
    if _at(fields, 2) != "A" or lat is None or lon is None or not (lat or lon):
        return None
    if _at(fields, 4) == "S":
        lat = -abs(lat)
    if _at(fields, 6) == "W":
        lon = -abs(lon)
    return lat, lon


def _bits(word: str) -> set[int]:
    try:
        value = int(word, 16)
    except ValueError:
        return set()
    return {bit for bit in range(32) if value >> bit & 1}


def _fits(envelope: Envelope, body: object) -> bool:
    return isinstance(body, str) and FRAME.search(body) is not None


CODEC = Codec(family="gps_watch", decode=decode, fits=_fits)
