"""Checks of what the device says: form, ids, times, content. Pure.

Each takes the run and answers with what it found, or None where it does not apply.
"""

import re
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from devices.codecs.body import json_object
from devices.conformance.run import MAINS, ConformanceRun, DeviceMessage, Found
from devices.contract.messages import MAX_BYTES
from devices.readings import DeviceStatus, Reading, Reason, Rejection, SosPressed
from devices.topics import contract_topic

FEWEST = 3  # messages below which nothing is certain
LIVE = timedelta(minutes=5)  # older than this, a message was buffered and must say so
PATIENCE = 1.25  # of the beat: 75 s for a `status` each 60 s
MARGIN = timedelta(seconds=1)  # of a message made just when its connection was lost
_OFFSET = re.compile(r"(z|[+-]\d\d:?\d\d)$", re.IGNORECASE)

PASS = Found("pass")


def fail(code: str, message: DeviceMessage | None = None, **values: object) -> Found:
    """Return a fault, with the message that shows it and the values of its text."""
    return Found("fail", code, {name: str(value) for name, value in values.items()}, message)


def person(code: str, **values: object) -> Found:
    """Return what only a person can bring about."""
    return Found("needs a person", code, {name: str(value) for name, value in values.items()})


def registered(run: ConformanceRun) -> Found | None:
    """The device is in the register."""
    if run.registered is None:
        return None
    return PASS if run.registered else fail("registered.no", device=run.device)


def heard(run: ConformanceRun) -> Found:
    """Enough messages came to judge by."""
    count = len(run.heard)
    return PASS if count >= FEWEST else fail("heard.few", count=count, fewest=FEWEST)


def own_topic(run: ConformanceRun) -> Found:
    """All came on contract topics of this device, and of one site."""
    sites = set()
    for message in run.heard:
        part = contract_topic(message.topic)
        if part is None or part.device != run.device:
            return fail("own_topic.other", message, topic=message.topic, device=run.device)
        sites.add(part.site)
        if len(sites) > 1:
            return fail("own_topic.sites", message, sites=" ".join(sorted(sites)))
    return PASS


def readable(run: ConformanceRun) -> Found:
    """None was refused. One that is too large has a check of its own."""
    for message in run.heard:
        for each in message.rejections:
            if each.reason is not Reason.TOO_LARGE:
                return fail("readable.no", message, reason=each.reason.value, detail=each.detail)
    return PASS


def utf8(run: ConformanceRun) -> Found:
    """Each message is clean UTF-8: nothing in its outer form had to be mended."""
    for message in run.heard:
        fault = _form_fault(message)
        if fault:
            return fail("utf8.no", message, fault=fault)
    return PASS


def _form_fault(message: DeviceMessage) -> str:
    try:
        message.payload.decode()
    except UnicodeDecodeError as error:
        return f"byte 0x{message.payload[error.start]:02x} at {error.start}"
    if message.payload.startswith(b"\xef\xbb\xbf"):
        return "byte order mark"
    return " ".join(message.repaired)


def size(run: ConformanceRun) -> Found:
    """None is larger than the contract allows."""
    for message in run.heard:
        if len(message.payload) > MAX_BYTES:
            return fail("size.large", message, bytes=len(message.payload), most=MAX_BYTES)
    return PASS


def nothing_private(run: ConformanceRun) -> Found:
    """No picture, template or number of a person came."""
    for message in run.heard:
        if message.redacted:
            return fail("nothing_private.sent", message, count=message.redacted)
    return PASS


def body_of(message: DeviceMessage) -> dict[str, Any] | None:
    """Return the message's object; None where it is none, which has a check of its own."""
    body = json_object(message.payload)
    return None if isinstance(body, Rejection) else body


def id_present(run: ConformanceRun) -> Found:
    """Each message names itself."""
    for message in run.heard:
        body = body_of(message)
        if body is not None and not (isinstance(body.get("id"), str) and body["id"]):
            return fail("id_present.no", message)
    return PASS


def id_unique(run: ConformanceRun) -> Found:
    """No id stands for two different messages."""
    payloads: dict[str, bytes] = {}
    for message, reading in run.readings:
        if payloads.setdefault(reading.id, message.payload) != message.payload:
            return fail("id_unique.twice", message, id=reading.id)
    return PASS


def id_kept(run: ConformanceRun) -> Found:
    """What is sent again keeps its id and its time."""
    ids: dict[tuple[str, str], str] = {}
    for message in run.firsts():
        body = body_of(message)
        if body is None or not isinstance(body.get("id"), str):
            continue
        content = (message.topic, repr(sorted((k, v) for k, v in body.items() if k != "id")))
        if ids.setdefault(content, body["id"]) != body["id"]:
            return fail("id_kept.changed", message, first=ids[content], then=body["id"])
    return PASS


def time_zone(run: ConformanceRun) -> Found:
    """Each time has an offset, or is in Unix seconds or milliseconds."""
    for message in run.heard:
        written = (body_of(message) or {}).get("at")
        if isinstance(written, str) and not _OFFSET.search(written.strip()):
            return fail("time_zone.none", message, at=written[:40])
    return PASS


def clock_sane(run: ConformanceRun) -> Found:
    """No time is ahead of ours by more than the tolerance, or from before 2010."""
    for message, each in run.readings:
        if each.clock != "ok":
            said = "-" if each.observed_at is None else _iso(each.observed_at)
            return fail("clock_sane.wrong", message, at=said, received=_iso(message.received_at))
    return PASS


def prompt(run: ConformanceRun) -> Found | None:
    """What is said while the connection stands is sent at once, not gathered first."""
    if not run.own_broker:
        return None
    since = {each.number: each.at for each in run.connections}
    for message, each in _firsts(run):
        late = message.received_at - each.at
        up = since.get(message.connection, run.begun or message.received_at)
        unhindered = each.at >= up and not run.troubled(each.at, message.received_at)
        if late > run.beat / 2 and not each.replayed and unhindered:
            seconds = f"{late.total_seconds():.0f}"
            return fail("prompt.late", message, id=each.id, seconds=seconds)
    return PASS


def order(run: ConformanceRun) -> Found:
    """Live events come in the order in which they happened; a press may overtake."""
    newest: datetime | None = None
    for message, each in _firsts(run):
        if each.replayed or each.clock != "ok" or isinstance(each, SosPressed) or _is_will(each):
            continue
        if newest is not None and each.at < newest:
            return fail("order.older", message, id=each.id, at=_iso(each.at), newest=_iso(newest))
        newest = each.at
    return PASS


def replayed_flag(run: ConformanceRun) -> Found:
    """What comes out of the device's buffer says so."""
    for message, each in run.readings:
        if each.observed_at is None or each.replayed or _is_will(each):
            continue
        if each.clock == "ok" and message.received_at - each.observed_at > LIVE:
            return fail("replayed_flag.old", message, id=each.id)
        if _in_outage(run, each.observed_at, message.received_at):
            return fail("replayed_flag.outage", message, id=each.id)
    if any(each.replayed for _, each in run.readings):
        return PASS
    return person("replayed_flag.person")


def _in_outage(run: ConformanceRun, at: datetime, received: datetime) -> bool:
    """Return True if it happened while we were away: it waited in the device's own buffer."""
    return any(
        each.trouble == "outage"
        and each.ended is not None
        and each.begun + MARGIN < at < each.ended - MARGIN
        and received >= each.ended
        for each in run.provoked
    )


def battery(run: ConformanceRun) -> Found | None:
    """A device with a battery tells how full it is."""
    if run.kind in MAINS:
        return None
    if any(reading.battery is not None for _, reading in run.readings):
        return PASS
    return fail("battery.none")


def beat(run: ConformanceRun) -> Found | None:
    """A mains-powered device says `status` at its rate, outside of what we provoked."""
    if run.kind not in MAINS:
        return None
    beats = [(m, r) for m, r in _firsts(run) if isinstance(r, DeviceStatus) and not _is_will(r)]
    if len(beats) < 2:
        return fail("beat.none", beat=f"{run.beat.total_seconds():g}")
    most = run.beat * PATIENCE
    for (_, earlier), (message, later) in pairwise(beats):
        if later.at - earlier.at > most and not run.troubled(earlier.at, later.at):
            return fail("beat.gap", message, seconds=f"{(later.at - earlier.at).total_seconds():g}")
    message, last = beats[-1]
    if run.ended is not None and _silent(run, last.at, run.ended, most):
        silent = f"{(run.ended - last.at).total_seconds():.0f}"
        return fail("beat.gap", message, seconds=silent)
    return PASS


def _silent(run: ConformanceRun, last: datetime, ended: datetime, most: timedelta) -> bool:
    # One that gathers its messages is late with the last ones; `prompt` says so.
    return ended - last > most * 2 and not run.troubled(last, ended)


def sos_press(run: ConformanceRun) -> Found | None:
    """A button has shown a press and a test press."""
    if run.kind not in (None, "sos"):
        return None
    presses = {said.press for _, said in run.readings if isinstance(said, SosPressed)}
    missing = [press for press in ("short", "test") if press not in presses]
    return person("sos_press.person", missing=", ".join(missing)) if missing else PASS


def _firsts(run: ConformanceRun) -> list[tuple[DeviceMessage, Reading]]:
    return [(message, each) for message in run.firsts() for each in message.readings]


def _is_will(reading: Reading) -> bool:
    """Return True for what a last will says: its time is that of the connection."""
    return isinstance(reading, DeviceStatus) and reading.online is False


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def repeats(run: ConformanceRun) -> list[list[DeviceMessage]]:
    """Return the messages that came more than once, each with all its copies."""
    copies: defaultdict[tuple[str, bytes], list[DeviceMessage]] = defaultdict(list)
    for message in run.heard:
        copies[message.topic, message.payload].append(message)
    return [each for each in copies.values() if len(each) > 1]
