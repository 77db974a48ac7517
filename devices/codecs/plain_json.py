"""What speaks in names of its own: home-made bridges, Sigfox callbacks, a bare word on a topic.

Read where nobody else reads: JSON in which a device names itself beside a counter (`seqNumber`,
`fCnt`), and whatever comes on a topic that the register holds. The fields are those that makers'
LoRaWAN decoders use, at the top or in an object below; words are `open`, `ON`, `pressed` and the
like. Written after https://support.sigfox.com/docs/custom-callback-creation and the uplinks of
The Things Network, version 2.
"""

from devices.codecs.body import JsonObject, json_body
from devices.codecs.buttons import action_in, action_of
from devices.codecs.codec import (
    ButtonPressed,
    Codec,
    Decoded,
    Part,
    Switched,
    doubted,
    nothing,
    refused,
    shared,
    where_from,
)
from devices.codecs.fields import moment_or_fault, number, text
from devices.codecs.lorawan import ALARMS, BATTERIES, DOORS, PRESSES, Uplink, decoded
from devices.envelope import Envelope
from devices.readings import Reason, Rejection

NAMES = (
    *("deviceid", "device_id", "dev_id", "device", "deveui", "dev_eui", "hardware_serial"),
    *("devicename", "device_name", "mac", "addr", "address", "sn", "imei"),
)
TIMES = ("time", "timestamp", "ts", "at", "received_at", "datetime", "date")
COUNTERS = ("seqnumber", "seq_number", "fcnt", "f_cnt", "counter", "seq", "pid")
WITHIN = (
    *("object", "payload_fields", "decoded_payload", "decoded", "fields", "values", "payload"),
    *("data", "uplink", "uplink_message", "metadata", "state"),
)
ON = ("on", "open", "opened", "true", "1")
OFF = ("off", "close", "closed", "false", "0")
KNOWN = (*DOORS, *PRESSES, *ALARMS, *BATTERIES)
LONGEST_WORD = 60


def decode(envelope: Envelope) -> Decoded:
    """A door, a press, a place, a battery, under whatever name it is found; or a bare word."""
    body = json_body(envelope.payload)
    if isinstance(body, dict):
        return _fields(_flat(body), envelope)
    if isinstance(body, list):
        return refused(Reason.NOT_AN_OBJECT, "a JSON array, no object")
    word = envelope.payload.strip().decode("utf-8", "replace").strip('"')
    if word[:1] in ("{", "[") and isinstance(body, Rejection):
        return Decoded((body,))
    return _word(word, envelope)


def _word(word: str, envelope: Envelope) -> Decoded:
    said = shared(envelope, where_from(envelope))
    if word.casefold() in (*ON, *OFF):
        return Decoded((Part(Switched(on=word.casefold() in ON, **said)),))
    if not 0 < len(word) <= LONGEST_WORD:
        return refused(Reason.BAD_VALUE, "neither JSON nor a single word")
    return Decoded((Part(ButtonPressed(action=word, **said)),))


def _fields(fields: JsonObject, envelope: Envelope) -> Decoded:
    pressed = action_of(fields.get("action")) or action_in(fields)
    if pressed is not None and not any(name in fields for name in (*PRESSES, *ALARMS)):
        fields = {**fields, "press": pressed}
    if not any(name in fields for name in (*KNOWN, *COUNTERS)) and not _has_place(fields):
        return nothing("no door, press, place or battery by a name that we know")
    at, fault = moment_or_fault(_first(fields, TIMES), "time")
    names = tuple(name for key in NAMES if (name := text(fields.get(key))))
    counter = next((key for key in COUNTERS if number(fields.get(key)) is not None), "")
    uplink = Uplink(
        device=names[0] if names else where_from(envelope),
        names=names[1:],
        id=f"{counter}-{text(fields[counter])}" if counter else "",
        counter=counter,
        at=at,
        fields=fields,
    )
    return doubted(decoded(uplink, envelope), fault)


def _has_place(fields: JsonObject) -> bool:
    return "latitude" in fields or "lat" in fields


def _first(fields: JsonObject, keys: tuple[str, ...]) -> object:
    return next((fields[key] for key in keys if fields.get(key) not in (None, "")), None)


def _flat(body: JsonObject) -> JsonObject:
    """All fields in small letters, those of the objects inside too; the outer ones go first."""
    outer = {name.casefold(): value for name, value in body.items()}
    found: JsonObject = {}
    for key in WITHIN:
        inside = outer.get(key)
        if isinstance(inside, dict):
            found |= _flat_once(inside)
    return found | outer


def _flat_once(inside: JsonObject) -> JsonObject:
    fields = {name.casefold(): value for name, value in inside.items()}
    deeper = [fields[key] for key in WITHIN if isinstance(fields.get(key), dict)]
    below = {name.casefold(): value for one in deeper for name, value in one.items()}
    return below | fields


def _fits(envelope: Envelope, body: object) -> bool:
    """A device that names itself and counts, and says something by a name that we know."""
    if not isinstance(body, dict):
        return False
    fields = _flat(body)
    named = any(text(fields.get(key)) for key in NAMES)
    counted = any(number(fields.get(key)) is not None for key in COUNTERS)
    return named and counted and any(key in fields for key in KNOWN)


CODEC = Codec(family="plain_json", decode=decode, fits=_fits)
