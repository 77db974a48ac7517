"""Shelly, second generation and later, and Bluetooth devices behind one of them.

`{id}/events/rpc` carries JSON-RPC notifications, `{id}/status/{component}` states, `{id}/online`
a bare word; webhooks post a single event. A component is named `{id}/{component}`. What an input
is wired to only the register knows. Written after https://shelly-api-docs.shelly.cloud/gen2/.
"""

from collections.abc import Iterator
from datetime import datetime

from devices.codecs.body import JsonObject, json_object
from devices.codecs.buttons import action_of
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
from devices.codecs.fields import moment_or_fault, number, percent, text
from devices.codecs.forms import query
from devices.codecs.times import read_time
from devices.envelope import Envelope
from devices.readings import DeviceStatus, DoorMoved, Reason, Rejection
from devices.topics import parents

YES_NO = {"true": True, "false": False}
BUTTONS = ("input", "button", "bthomedevice")  # components whose events are presses
INPUTS = ("input", "bthomesensor")  # components whose state is on or off
BLUETOOTH_SCRIPT = "shelly-blu"  # event of the maker's own Bluetooth script

BLU_PRESSES = {1: "press", 2: "double_press", 3: "triple_press", 4: "long_press", 254: "hold"}


def decode(envelope: Envelope) -> Decoded:
    """Presses, inputs, batteries, coming and going, of the device and of those behind it."""
    source, _, branch = envelope.topic.partition("/")
    if branch == "online":
        return _online(envelope, source)
    body = json_object(envelope.payload)
    if isinstance(body, Rejection):
        return Decoded((body,))
    source = text(body.get("src")) or source
    asked = query(envelope)
    source = asked.get("devId") or asked.get("device") or source
    if _is_bluetooth(body):  # the script publishes by itself too
        found = tuple(_bluetooth(body, read_time(body.get("ts")), envelope))
        return Decoded(found) if found else nothing("no opening, press or battery in it")
    params = body["params"] if isinstance(body.get("params"), dict) else body
    if branch.startswith("status/"):
        component = branch.removeprefix("status/")
        params = {component: body, "ts": body.get("last_updated_ts", body.get("ts"))}
    parts = (*_states(params, source, envelope), *_events(params, source, envelope))
    also = tuple(_measured(params, source, envelope))
    if not parts:
        return nothing("no press, input or battery in it", also)
    return Decoded(parts, measured=also)


def _online(envelope: Envelope, source: str) -> Decoded:
    word = envelope.payload.strip().decode("utf-8", "replace").casefold()
    if word not in YES_NO:
        return refused(Reason.BAD_VALUE, "online is neither true nor false")
    return Decoded((Part(DeviceStatus(online=YES_NO[word], **shared(envelope, source))),))


def _states(params: JsonObject, source: str, envelope: Envelope) -> Iterator[Part]:
    """Each component's state; of a delta only what has changed is there."""
    for component, state in params.items():
        if ":" not in component or not isinstance(state, dict):
            continue
        said = shared(
            envelope,
            f"{source}/{component}" if source else component,
            read_time(state.get("last_updated_ts", params.get("ts"))),
            battery=_battery(state),
        )
        on = state.get("state", state.get("value"))
        if component.startswith(INPUTS) and isinstance(on, bool):
            yield Part(Switched(on=on, **said), (source, component))
        elif said["battery"] is not None:
            reading = DeviceStatus(signal=number(state.get("rssi")), **said)
            yield Part(reading, (source, component))


def _measured(params: JsonObject, source: str, envelope: Envelope) -> Iterator[Part]:
    """What each component measures: `tC`, `rh`, `lux`, `apower`; an alarm by its component."""
    for component, state in params.items():
        kind = component.partition(":")[0]
        if ":" not in component or not isinstance(state, dict):
            continue
        total = state.get("aenergy")
        watt_hours = number(total.get("total")) if isinstance(total, dict) else None
        fields = {
            **state,
            kind: state.get("alarm"),
            "energy": watt_hours / 1000 if watt_hours is not None else None,
        }
        at = read_time(state.get("last_updated_ts", params.get("ts")))
        name = f"{source}/{component}" if source else component
        yield from measured(fields, shared(envelope, name, at), (source, component))


def _battery(state: JsonObject) -> float | None:
    level = state.get("battery")
    return percent(level.get("percent") if isinstance(level, dict) else level)


def _events(params: JsonObject, source: str, envelope: Envelope) -> Iterator[Part]:
    events = params.get("events", [params] if "event" in params else [])
    for event in events if isinstance(events, list) else []:
        if not isinstance(event, dict):
            continue
        at, fault = moment_or_fault(event.get("ts", params.get("ts")), "ts")
        component, action = text(event.get("component")), text(event.get("event"))
        data = event.get("data")
        if isinstance(data, dict) and (action == BLUETOOTH_SCRIPT or _is_bluetooth(data)):
            yield from _bluetooth(data, read_time(params.get("ts")), envelope)
        elif component and action and component.startswith(BUTTONS):
            name = f"{source}/{component}" if source else component
            pressed = ButtonPressed(action=action, **shared(envelope, name, at))
            yield Part(pressed, (source, component), fault=fault)


def _bluetooth(data: JsonObject, at: datetime | None, envelope: Envelope) -> Iterator[Part]:
    """A BLU sensor or button as the maker's script passes it on; window 1 is open."""
    address = text(data.get("address")) or ""
    said = shared(
        envelope, address, at, id=text(data.get("pid")) or "", battery=percent(data.get("battery"))
    )
    opening = number(data.get("window", data.get("door", data.get("opening"))))
    packet = "packet" if said["id"] else ""
    if opening is not None:
        yield Part(DoorMoved(open=opening == 1, **said), shared=True, counter=packet)
    elif (action := _blu_action(data.get("button"))) is not None:
        yield Part(ButtonPressed(action=action, **said), shared=True, counter=packet)
    elif said["battery"] is not None:
        yield Part(DeviceStatus(signal=number(data.get("rssi")), **said), shared=True)


def _blu_action(written: object) -> str | None:
    """The press of a button, or of the first that is pressed of a remote's buttons."""
    values = written if isinstance(written, list) else [written]
    pressed = next((value for value in values if action_of(value)), None)
    code = number(pressed)
    return action_of(pressed) if code is None else BLU_PRESSES.get(int(code), "press")


def _is_bluetooth(data: JsonObject) -> bool:
    """Whether this is what the maker's Bluetooth script passes on, whatever it is wrapped in."""
    return "address" in data and ("BTHome_version" in data or "pid" in data)


def _siblings(envelope: Envelope, name: str) -> tuple[str, ...]:
    return (f"{name}/events/rpc", f"{name}/status/input:0", *parents(envelope.topic))


def _fits(envelope: Envelope, body: object) -> bool:
    if not isinstance(body, dict):
        return False
    if str(body.get("method", "")).startswith("Notify") or _is_bluetooth(body):
        return True
    return isinstance(body.get("component"), str) and "event" in body


CODEC = Codec(
    family="shelly_gen2",
    decode=decode,
    topics=("+/events/rpc", "+/status/+", "+/online"),
    fits=_fits,
    siblings=_siblings,
)
