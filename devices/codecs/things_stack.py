"""The Things Stack (TTN), version 3: `v3/{app}@{tenant}/devices/{device}/{up|join|...}`.

Written after https://www.thethingsindustries.com/docs/integrations/data-formats/. The position
under `locations.user` is what somebody typed into the register, not where the device is.
"""

import base64
import binascii

from devices.codecs.body import JsonObject, json_object
from devices.codecs.codec import Codec, Decoded, Part, doubted, nothing, refused, shared
from devices.codecs.fields import moment, moment_or_fault, number, percent, text
from devices.codecs.lorawan import Uplink, best_signal, decoded, solved_location
from devices.envelope import Envelope
from devices.readings import DeviceStatus, Reason, Rejection


def decode(envelope: Envelope) -> Decoded:
    """What the device said: an uplink, its joining, a solved location. The rest is ignored."""
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    ids = body.get("end_device_ids")
    names = _names(ids if isinstance(ids, dict) else {}, envelope.topic)
    if not names:
        return refused(Reason.MISSING_FIELD, "end_device_ids.device_id is missing")
    up = body.get("uplink_message")
    if isinstance(up, dict):
        return _uplink(body, up, names, envelope)
    at = moment(body.get("received_at"), "received_at")
    if isinstance(at, Rejection):
        return Decoded((at,))
    if isinstance(body.get("join_accept"), dict):
        status = DeviceStatus(online=True, **shared(envelope, names[0], at))
        return Decoded((Part(status, names[1:], shared=True),))
    solved = body.get("location_solved")
    if isinstance(solved, dict):
        return solved_location(solved.get("location"), names, shared(envelope, names[0], at))
    return nothing("no uplink: a downlink or a service message")


def _uplink(
    body: JsonObject, up: JsonObject, names: tuple[str, ...], envelope: Envelope
) -> Decoded:
    at, fault = moment_or_fault(body.get("received_at") or up.get("received_at"), "received_at")
    try:
        frame = base64.b64decode(text(up.get("frm_payload")) or "", validate=True)
    except (binascii.Error, ValueError):
        return refused(Reason.BAD_VALUE, "frm_payload is not base64")
    fields = up.get("decoded_payload")
    port, counter = number(up.get("f_port")), number(up.get("f_cnt"))
    session = text(up.get("session_key_id")) or "fcnt"
    uplink = Uplink(
        device=names[0],
        names=names[1:],
        id=f"{session}-{counter:.0f}" if counter is not None else "",
        counter="frame" if counter is not None else "",
        at=at,
        fields=_with_battery(fields if isinstance(fields, dict) else {}, up),
        frame=frame,
        port=int(port) if port is not None else None,
        model=_model(up.get("version_ids")),
        signal=best_signal(up.get("rx_metadata")),
    )
    return doubted(decoded(uplink, envelope), fault)


def _with_battery(fields: JsonObject, up: JsonObject) -> JsonObject:
    """The decoder's fields, with what the network itself knows of the battery."""
    last = up.get("last_battery_percentage")
    level = percent(last.get("value")) if isinstance(last, dict) else None
    return {"battery": level, **fields} if level is not None and fields else fields


def _model(version: object) -> str:
    if not isinstance(version, dict):
        return ""
    return " ".join(text(version.get(key)) or "" for key in ("brand_id", "model_id")).strip()


def _names(ids: JsonObject, topic: str) -> tuple[str, ...]:
    levels = topic.split("/")
    on_topic = levels[3] if levels[:1] == ["v3"] and len(levels) >= 5 else None
    written = (text(ids.get("device_id")), text(ids.get("dev_eui")), on_topic)
    return tuple(dict.fromkeys(name for name in written if name))


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    levels = envelope.topic.split("/")
    if levels[:1] != ["v3"] or len(levels) < 5:
        return ()
    root = f"v3/{levels[1]}/devices/{name}"
    return (root, f"{root}/up")


def _fits(envelope: Envelope, body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("end_device_ids"), dict)


CODEC = Codec(
    family="things_stack",
    decode=decode,
    topics=("v3/+/devices/#",),
    fits=_fits,
    siblings=_siblings,
)
