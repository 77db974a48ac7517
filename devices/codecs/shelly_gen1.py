"""Shelly, first generation: `shellies/{id}/...`, one bare word a topic, and GET `/status`.

The words are the polarity: `open` and `close`. Buttons say `{"event": "S"}` (SS, SSS, L) on
`input_event/0`. Written after https://shelly-api-docs.shelly.cloud/gen1/.
"""

from devices.codecs.body import JsonObject, json_body
from devices.codecs.codec import (
    ButtonPressed,
    Codec,
    Decoded,
    Part,
    Switched,
    measured,
    nothing,
    refused,
    shared,
)
from devices.codecs.fields import number, percent, text
from devices.codecs.times import from_unix
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Reason, Rejection

ROOT = "shellies/"
INPUTS = ("input_event", "input")
STATES = {"open": True, "close": False, "closed": False}
# below its own, under which a device may be registered
BRANCHES = ("", "/sensor/state", *(f"/{kind}/{n}" for n in range(3) for kind in INPUTS))
YES_NO = {"true": True, "false": False}
ON_OFF = {"1": True, "0": False, "on": True, "off": False}


def decode(envelope: Envelope) -> Decoded:
    """A door's state, a battery, a press, an input, coming and going; the rest is ignored."""
    if envelope.http is not None or not envelope.topic.startswith(ROOT):
        return _whole(envelope)
    device, _, branch = envelope.topic.removeprefix(ROOT).partition("/")
    word = envelope.payload.strip().decode("utf-8", "replace").casefold()
    said = shared(envelope, device)
    match branch.split("/"):
        case ["sensor", "state"]:
            return _door(word, said)
        case ["sensor", "battery"]:
            level = percent(word)
            if level is None:
                return refused(Reason.BAD_VALUE, f"battery {word[:40]!r} is no percentage")
            return Decoded((Part(DeviceStatus(**{**said, "battery": level})),))
        case ["online"] if word in YES_NO:
            return Decoded((Part(DeviceStatus(online=YES_NO[word], **said)),))
        case ["input", _] if word in ON_OFF:
            return Decoded((Part(Switched(on=ON_OFF[word], **said)),))
        case ["input_event", _]:
            return _press(envelope, said)
        case ["info"]:
            return _whole(envelope)
        case ["sensor", name] | ["relay", _, "power" as name]:
            return nothing(f"Shelly {branch[:60]}", measured({name: word}, said))
    return nothing(f"Shelly {branch[:60] or device[:60]}")


def _door(word: str, said: JsonObject) -> Decoded:
    if word in STATES:
        return Decoded((Part(DoorMoved(open=STATES[word], **said)),))
    if word == "unknown":
        return nothing("the sensor does not know its state")
    return refused(Reason.BAD_VALUE, f"state {word[:40]!r} is neither open nor close")


def _press(envelope: Envelope, said: JsonObject) -> Decoded:
    body = json_body(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    if not isinstance(body, dict):
        return nothing("no press since the button started")
    action, count = text(body.get("event")) or "", text(body.get("event_cnt")) or ""
    said["id"] = f"event-{count}" if count else ""
    channel = envelope.topic.rpartition("/")[2]
    return Decoded((Part(ButtonPressed(action=action, **said), counter=f"input-{channel}"),))


def _whole(envelope: Envelope) -> Decoded:
    """The whole status as one object; `unixtime` 0 is a clock that was never set."""
    body = json_body(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    if not isinstance(body, dict):
        return refused(Reason.NOT_AN_OBJECT, "a status is a JSON object")
    device = envelope.topic.removeprefix(ROOT).partition("/")[0] or text(body.get("mac")) or ""
    if not device:
        return refused(Reason.MISSING_FIELD, "mac is missing")
    at = number(body.get("unixtime"))
    bat, sensor = body.get("bat"), body.get("sensor")
    battery = percent(bat.get("value")) if isinstance(bat, dict) else None
    said = shared(envelope, device, from_unix(at) if at else None, battery=battery)
    if isinstance(sensor, dict) and sensor.get("state") is not None:
        return _door(str(sensor["state"]).casefold(), said)
    return Decoded((Part(DeviceStatus(online=True, **said)),))


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    return tuple(f"{ROOT}{name}{branch}" for branch in BRANCHES)


def _fits(envelope: Envelope, body: object) -> bool:
    return isinstance(body, dict) and "mac" in body and ("wifi_sta" in body or "bat" in body)


CODEC = Codec(
    family="shelly_gen1",
    decode=decode,
    topics=("shellies/#",),
    fits=_fits,
    siblings=_siblings,
)
