"""Dahua terminals: the event stream of `eventManager.cgi`, one `Code=...;action=...;data={...}`.

`Similarity` and `Alive` count to 100, `UTC` is Unix seconds, `Method` 15 is a face. Bursts repeat
an event: its id is made of person and time where it has both. Written after Dahua's HTTP API
guide and captured messages.
"""

import json
import re
from typing import Literal

from devices.codecs.body import JsonObject, inner, json_body, objects
from devices.codecs.codec import Codec, Decoded, Part, bounded, refused, shared, where_from
from devices.codecs.fields import moment, number, text
from devices.envelope import Envelope
from devices.readings import (
    DeviceStatus,
    DoorMoved,
    FaceMethod,
    FaceSeen,
    Ignored,
    Reason,
    Rejection,
)

EVENT = re.compile(r"Code=(?P<code>\w+);\s*action=(?P<action>\w+);\s*index=\d+(?:;\s*data\s*=)?")
SEEN = ("_DoorFace_", "AccessControl")
METHODS: dict[str, FaceMethod] = {"0": "pin", "1": "card", "2": "card", "6": "finger", "15": "face"}
DIRECTIONS: dict[str, Literal["in", "out"]] = {"entry": "in", "exit": "out"}
DOORS = {"open": True, "close": False}
NOTIFY = "client.notifyEventStream"  # the same events as JSON, to subscribed clients
TIMES = ("RealUTC", "UTC", "CreateTime")  # some firmware writes local time as UTC, and RealUTC
ALIVE = 50  # of 100


def decode(envelope: Envelope) -> Decoded:
    """A sighting or a door for each event of the stream, in their order."""
    stream = envelope.payload.decode("utf-8", "replace")
    body = json_body(envelope.payload)
    if isinstance(body, dict):
        events = objects(inner(body, "params"), "eventList") or [body]
        said = [_event(text(e.get("Code")) or "", e.get("Data"), envelope) for e in events]
    else:
        found, _ = bounded(EVENT.finditer(stream))
        ends = [*(after.start() for after in found[1:]), len(stream)]
        pairs = zip(found, ends, strict=False)  # without an event there is an end all the same
        said = [_one(event, stream[event.end() : end], envelope) for event, end in pairs]
    if not said:
        beat = stream.strip().casefold() == "heartbeat"
        status = Part(DeviceStatus(online=True, **shared(envelope, where_from(envelope))))
        return Decoded((status,)) if beat else refused(Reason.BAD_VALUE, "no Code=... event in it")
    parts = tuple(one for one in said if not isinstance(one, Ignored))
    return Decoded(parts, next((one for one in said if isinstance(one, Ignored)), None))


def _one(found: re.Match[str], rest: str, envelope: Envelope) -> Part | Rejection | Ignored:
    code = found["code"]
    if not found.group().endswith("="):
        return Ignored(f"event {code[:60]} without data")
    try:
        data, _ = _JSON.raw_decode(rest.lstrip())
    except (ValueError, RecursionError):
        return Rejection(Reason.NOT_JSON, f"the data of {code[:60]} is not JSON")
    return _event(code, data, envelope)


def _event(code: str, data: object, envelope: Envelope) -> Part | Rejection | Ignored:
    if not isinstance(data, dict):
        return Rejection(Reason.NOT_AN_OBJECT, f"the data of {code[:60]} is no object")
    at = moment(next((data[key] for key in TIMES if data.get(key)), None), "UTC")
    if isinstance(at, Rejection):
        return at
    person = text(data.get("UserID"))
    key = f"{person}-{at.timestamp():.0f}" if person and at else ""
    said = shared(envelope, text(data.get("SN")) or where_from(envelope), at, id=key)
    if code == "DoorStatus" and (state := str(data.get("Status")).casefold()) in DOORS:
        return Part(DoorMoved(open=DOORS[state], **said))
    if code not in SEEN or text(data.get("Status")) == "0":
        return Ignored(f"event {code[:60]}")
    return Part(_seen(code, person, data, said))


def _seen(code: str, person: str | None, data: JsonObject, said: JsonObject) -> FaceSeen:
    similarity, alive = number(data.get("Similarity")), number(data.get("Alive"))
    method = text(data.get("Method"))
    return FaceSeen(
        person=person,
        score=similarity / 100 if similarity is not None and 0 <= similarity <= 100 else None,
        alive=alive >= ALIVE if alive is not None else None,
        method="face" if code == "_DoorFace_" else METHODS.get(method or "", "card"),
        direction=DIRECTIONS.get(str(data.get("Type")).casefold()),
        **said,
    )


_JSON = json.JSONDecoder()


def _fits(envelope: Envelope, body: object) -> bool:
    if isinstance(body, dict):
        return body.get("method") == NOTIFY or ("Code" in body and "Data" in body)
    return isinstance(body, str) and EVENT.search(body) is not None


CODEC = Codec(family="dahua", decode=decode, paths=("/cgi-bin/eventManager.cgi",), fits=_fits)
