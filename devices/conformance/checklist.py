"""The vendor's checklist for a device that speaks contract v1. Pure: messages in, results out.

Each check is `done`, `todo` with what is to be mended or still to be shown, or `exempt` with the
reason. One that needs a situation (the network cut, the plug pulled) is `todo` until it was seen.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

import msgspec

from devices.codecs.body import json_object
from devices.contract.messages import MAX_BYTES
from devices.readings import DeviceStatus, Reading, Rejection, SosPressed
from devices.topics import contract_topic

FEWEST = 3  # messages below which nothing is certain
LIVE = timedelta(minutes=5)  # older than this, a message was buffered and must say so
BEAT = timedelta(seconds=75)  # a `status` each 60 s, with some patience
MAINS = frozenset(("terminal",))  # kinds that run on mains power


class DeviceMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the device, and what was understood of it."""

    topic: str
    payload: bytes
    received_at: datetime
    qos: int
    readings: tuple[Reading, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    redacted: int = 0  # private values that had to be cut out


class CheckResult(msgspec.Struct, frozen=True):
    """How a check stands."""

    check: str
    state: Literal["done", "todo", "exempt"]
    says: str = ""  # of `todo` the mend, of `exempt` the reason


class ConformanceRun(msgspec.Struct, frozen=True):
    """All that a run has heard of one device."""

    device: str
    kind: str | None  # as registered; None: not registered
    heard: tuple[DeviceMessage, ...]

    @property
    def readings(self) -> list[tuple[DeviceMessage, Reading]]:
        """Return each reading with its message."""
        return [(message, reading) for message in self.heard for reading in message.readings]


Verdict = tuple[Literal["done", "todo", "exempt"], str]
DONE: Verdict = ("done", "")


def judge(trial: ConformanceRun) -> list[CheckResult]:
    """Return every check, in the order in which one would mend them."""
    return [CheckResult(name, *check(trial)) for name, check in CHECKS.items()]


def _registered(trial: ConformanceRun) -> Verdict:
    return DONE if trial.kind else ("todo", "register it in the town file and load it")


def _heard(trial: ConformanceRun) -> Verdict:
    count = len(trial.heard)
    return DONE if count >= FEWEST else ("todo", f"{count} heard: send at least {FEWEST}")


def _topic(trial: ConformanceRun) -> Verdict:
    parts = [contract_topic(message.topic) for message in trial.heard]
    wrong = [
        message.topic
        for message, part in zip(trial.heard, parts, strict=True)
        if part is None or part.device != trial.device
    ]
    if wrong:
        return "todo", f"{wrong[0]}: publish on carewatch/v1/SITE/KIND/{trial.device}"
    sites = {part.site for part in parts if part}
    return DONE if len(sites) < 2 else ("todo", f"two sites: {' '.join(sorted(sites))}")


def _readable(trial: ConformanceRun) -> Verdict:
    refused = [each for message in trial.heard for each in message.rejections]
    if refused:
        return "todo", f"{len(refused)} refused; {refused[0].reason.value}: {refused[0].detail}"
    return DONE


def _size(trial: ConformanceRun) -> Verdict:
    largest = max((len(message.payload) for message in trial.heard), default=0)
    return DONE if largest <= MAX_BYTES else ("todo", f"{largest} bytes; at most {MAX_BYTES}")


def _private(trial: ConformanceRun) -> Verdict:
    cut = sum(message.redacted for message in trial.heard)
    return ("todo", f"{cut} pictures, templates or numbers of persons sent") if cut else DONE


def _ids(trial: ConformanceRun) -> Verdict:
    nameless = sum(not _has_id(message.payload) for message in trial.heard)
    if nameless:
        return "todo", f"{nameless} without an id: a repeat of them can't be told from a second one"
    payloads: defaultdict[str, set[bytes]] = defaultdict(set)
    for message, reading in trial.readings:
        payloads[reading.id].add(message.payload)
    twice = sorted(id for id, said in payloads.items() if len(said) > 1)
    return ("todo", f"the id {twice[0]} stands for two messages") if twice else DONE


def _has_id(payload: bytes) -> bool:
    """Return True if a message names itself; one that is no object has worse faults than that."""
    body = json_object(payload)
    return isinstance(body, Rejection) or (isinstance(body.get("id"), str) and body["id"] != "")


def _clock(trial: ConformanceRun) -> Verdict:
    wrong = [(message, each) for message, each in trial.readings if each.clock != "ok"]
    if not wrong:
        return DONE
    message, first = wrong[0]
    return "todo", f"`at` {first.observed_at} came at {message.received_at}: set its clock by NTP"


def _qos(trial: ConformanceRun) -> Verdict:
    lossy = sum(message.qos == 0 for message in trial.heard)
    return ("todo", f"{lossy} sent at QoS 0: publish at QoS 1") if lossy else DONE


def _replayed(trial: ConformanceRun) -> Verdict:
    silent = [
        each.id
        for message, each in trial.readings
        if each.observed_at and message.received_at - each.observed_at > LIVE and not each.replayed
    ]
    if silent:
        return "todo", f"{silent[0]} is older than 5 min: send `replayed` true with it"
    if any(each.replayed for _, each in trial.readings):
        return DONE
    return "todo", "cut its network for some minutes: what it buffers must come with `replayed`"


def _redelivery(trial: ConformanceRun) -> Verdict:
    seen = [(message.topic, message.payload) for message in trial.heard]
    if len(set(seen)) < len(seen):
        return DONE
    return "exempt", "no message came twice in this run"


def _battery(trial: ConformanceRun) -> Verdict:
    if trial.kind in MAINS:
        return "exempt", "runs on mains power"
    if any(reading.battery is not None for _, reading in trial.readings):
        return DONE
    return "todo", "no message has told `battery`"


def _beat(trial: ConformanceRun) -> Verdict:
    if trial.kind not in MAINS:
        return "exempt", "its 12 h beat is longer than a run"
    at = [message.received_at for message, said in trial.readings if isinstance(said, DeviceStatus)]
    gaps = [later - earlier for earlier, later in pairwise(at)]
    if not gaps:
        return "todo", "no two `status` heard: send one every 60 s"
    return DONE if max(gaps) <= BEAT else ("todo", f"{max(gaps).seconds} s between two `status`")


def _last_will(trial: ConformanceRun) -> Verdict:
    said = (each for _, each in trial.readings if isinstance(each, DeviceStatus))
    if any(each.online is False for each in said):
        return DONE
    return "todo", "pull its plug: its last will must say `status` with `online` false"


def _press(trial: ConformanceRun) -> Verdict:
    if trial.kind not in (None, "sos"):
        return "exempt", "no SOS button"
    presses = {said.press for _, said in trial.readings if isinstance(said, SosPressed)}
    missing = [press for press in ("short", "test") if press not in presses]
    return ("todo", f"press it: no {' and no '.join(missing)} press heard") if missing else DONE


CHECKS: dict[str, Callable[[ConformanceRun], Verdict]] = {
    "registered": _registered,
    "heard": _heard,
    "own_topic": _topic,
    "readable": _readable,
    "size": _size,
    "nothing_private": _private,
    "id_unique": _ids,
    "clock_sane": _clock,
    "qos_1": _qos,
    "battery": _battery,
    "beat": _beat,
    "sos_press": _press,
    "last_will": _last_will,
    "replayed_flag": _replayed,
    "redelivery": _redelivery,
}


def passed(results: Sequence[CheckResult]) -> bool:
    """Return True if nothing is left to do."""
    return all(result.state != "todo" for result in results)
