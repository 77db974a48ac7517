"""A day in a minute: a small town, its settings shrunk to seconds, and what its devices say.

Every rule has something to find. Seconds count from the day's beginning. What is said twice, late
or while a service is dead is marked; the second town is loaded in the middle of the day.
"""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tests.clock import TIMEZONE

DIES = 16.0  # seconds: ingest is killed
NOON, LOADED = 27.5, 28.0  # nothing is said between the two; the second town is loaded
ENDS = 47.0

TOWN = """
timezone: {timezone}
areas: [{{id: mudan, name: Mudan}}, {{id: wangji, name: Wangji, parent: mudan}}]
clients:
{clients}
caregivers: [{{id: g-1}}, {{id: g-2}}, {{id: g-3}}, {{id: g-4}}, {{id: g-5}}, {{id: g-6}}]
facilities:
  - {{id: f-1, name: F1, area: mudan, home: {{lat: 35.5, lon: 115.5}}}}
  - {{id: f-2, name: F2, area: mudan, home: {{lat: 35.9, lon: 115.5}}}}
residents: [{{id: r-1, facility: f-1, name: R1, face: "1"}}]
devices:
  - {{id: phone-g1, kind: phone, holder: "caregiver:g-1"}}
  - {{id: phone-g2, kind: phone, holder: "caregiver:g-2"}}
  - {{id: phone-g3, kind: phone, holder: "caregiver:g-3"}}
  - {{id: phone-g4, kind: phone, holder: "caregiver:g-4"}}
  - {{id: phone-g5, kind: phone, holder: "caregiver:g-5"}}
  - {{id: phone-g6, kind: phone, holder: "caregiver:g-6"}}
  - {{id: tag-c5, kind: sensor, holder: "client:c-5"}}
  - {{id: btn-c1, kind: sos, holder: "client:c-1"}}
  - {{id: btn-c2, kind: sos, holder: "client:c-2", topic: zigbee2mqtt/btn_c2}}
  - {{id: door-c1, kind: door, holder: "client:c-1"}}
  - {{id: door-c2, kind: door, holder: "client:c-2"}}
  - {{id: door-c3, kind: door, holder: "client:c-3"}}
  - {{id: door-c4, kind: door, holder: "client:c-4"}}
  - {{id: door-c6, kind: door, holder: "client:c-6"}}
  - {{id: term-f1, kind: terminal, holder: "facility:f-1"}}
  - {{id: term-f2, kind: terminal, holder: "facility:f-2"}}
zones: [{{id: z-5, owner: "client:c-5", rule: keep_in,
         circle: {{lat: 35.30, lon: 115.48, radius: 200}}}}]
visits:
{visits}
rules:
  visit_missed: {{grace_minutes: {grace}, dwell_minutes: 0.03, gap_minutes: 0.05}}
  visit_late: {{after_minutes: 0.05}}
  visit_unended: {{after_minutes: 0.05}}
  geofence_breached: {{confirm_seconds: 2}}
  device_silent: {{minutes: {{terminal: {terminal}, phone: 0.1}}, hold_minutes: 0.05}}
  no_activity: {{hours: 0.005}}
  door_left_open: {{minutes: 0.1}}
  contact_overdue: {{days: {{full: 0.0005}}}}
  area_outage: {{devices: 3}}
rules_for:
  - {{subject: "client:c-5", rules: {{visit_late: {{after_minutes: 30}}}}}}
"""
CLIENTS = 7


class Said(msgspec.Struct, frozen=True):
    """One message, and when it is published."""

    after: float  # seconds since the beginning
    topic: str
    body: dict[str, Any]
    at: float | None = None  # seconds: the device's own time; None: it names none
    times: int = 1  # published so often

    def payload(self, begins: datetime) -> bytes:
        """What is published, its device time filled in."""
        if self.at is None:
            return msgspec.json.encode(self.body)
        at = begins + timedelta(seconds=self.at)
        return msgspec.json.encode({**self.body, "at": at.isoformat(timespec="milliseconds")})


def town(begins: datetime, *, later: bool = False) -> str:
    """The town file as it is at first, or as it is loaded in the middle of the day."""
    windows = {
        "kept": (1, 1, 3, 15),
        "late": (2, 2, 4, 40),
        "missed": (3, 3, 4, 12),
        "buffered": (4, 4, 4, 12),
        "short": (5, 5, -1200, 6),
        **({"added": (6, 6, 30, 34)} if later else {"removed": (6, 6, 5, 45)}),
    }
    return TOWN.format(
        timezone=TIMEZONE,
        clients="\n".join(client(n) for n in range(1, CLIENTS + 1 + later)),
        visits="\n".join(window(name, *facts, begins) for name, facts in windows.items()),
        grace=0.15 if later else 0.05,
        terminal=0.2 if later else 0.1,
    )


def client(n: int) -> str:
    level = "full" if n == CLIENTS else "partial"
    home = f"{{lat: {latitude(n):.2f}, lon: 115.48, radius: 150}}"
    return f"  - {{id: c-{n}, name: C{n}, area: wangji, care_level: {level}, home: {home}}}"


def window(
    name: str, client: int, caregiver: int, start: float, end: float, begins: datetime
) -> str:
    """A visit of one minute, with a window of these seconds after the beginning."""
    opens, closes = (begins + timedelta(seconds=at) for at in (start, end))
    times = f'start: "{opens.isoformat()}", end: "{closes.isoformat()}"'
    return f"  - {{id: {name}, client: c-{client}, caregiver: g-{caregiver}, {times}, minutes: 1}}"


def latitude(n: int) -> float:
    """Where a client lives; two kilometres from the next."""
    return 35.20 + 0.02 * n


# ---------------------------------------------------------------- what is said

_ids = itertools.count(1)


def says(
    after: float, kind: str, device: str, *, at: float | None = None, times: int = 1, **body: Any
) -> Said:
    """A contract message; `at` where the device made it earlier."""
    topic = f"carewatch/v1/wangji/{kind}/{device}"
    made = after if at is None else at
    return Said(after, topic, {"id": f"m-{next(_ids)}", **body}, made, times)


def zigbee(after: float, action: str) -> Said:
    """A button that knows no time."""
    return Said(after, "zigbee2mqtt/btn_c2", {"action": action, "battery": 90})


def stays(
    device: str, lat: float, start: float, end: float, every: float = 1.0, lon: float = 115.48
) -> Iterator[Said]:
    """Fixes at one place, each published as it is made, every third one twice."""
    for n in range(int((end - start) / every) + 1):
        after = start + n * every
        place = {"lat": lat, "lon": lon, "accuracy": 10}
        yield says(after, "position", device, times=1 + (n % 3 == 0), **place)


def day() -> list[Said]:
    """All of it, in the order of publishing."""
    return sorted((*visits(), *homes(), *terminals(), *presses()), key=lambda said: said.after)


def visits() -> Iterator[Said]:
    yield from stays("phone-g1", latitude(1), 2, 12)  # kept, and short of its minute
    yield says(3, "visit", "phone-g1", action="check_in", client="c-1")
    yield says(12, "visit", "phone-g1", action="check_out", client="c-1", times=2)
    yield from stays("phone-g2", latitude(1), 2, 20)  # elsewhere first: late
    yield from stays("phone-g2", latitude(2), 21, 30)
    yield from stays("phone-g3", latitude(5), 1, 14)  # never comes: missed
    for n in range(8):  # silent all the time, and sends it all in the end
        place = {"lat": latitude(4), "lon": 115.48, "accuracy": 10, "replayed": True}
        yield says(23 + n / 100, "position", "phone-g4", at=2 + n, **place)
    for at, action in ((-900, "check_in"), (-860, "check_out")):  # 40 s, a quarter of an hour ago
        place = {"lat": latitude(5), "lon": 115.48, "accuracy": 10, "replayed": True}
        yield says(4, "position", "phone-g5", at=at, **place)
        yield says(4, "visit", "phone-g5", at=at, action=action, client="c-5", replayed=True)
    yield from stays("phone-g6", latitude(3), 3, 3)  # jumps
    yield from stays("phone-g6", latitude(6) + 0.5, 10, 42, every=4)


def homes() -> Iterator[Said]:
    yield from stays("tag-c5", 35.30, 1, 5)
    yield from stays("tag-c5", 35.31, 6, 24, every=0.25)  # out, also while ingest is dead
    yield from stays("tag-c5", 35.30, 25, 35)
    yield says(2, "door", "door-c1", open=True, battery=12)
    yield says(3, "door", "door-c1", open=False, battery=11, times=2)
    yield says(33, "door", "door-c1", open=True, battery=80)
    yield says(5, "door", "door-c2", open=True)
    yield says(17, "door", "door-c2", open=False)  # said while ingest is dead
    for n, door in enumerate(("door-c3", "door-c4", "door-c6")):
        yield says(3 + n / 10, "status", door, online=True)
        yield says(6 + n / 10, "status", door, online=False)
        yield says(38 + n / 10, "status", door, online=True)


def terminals() -> Iterator[Said]:
    yield says(2, "status", "term-f1", online=True)
    for after in range(2, 47, 4):
        yield says(after, "status", "term-f2", online=True)
    yield says(9, "face", "term-f2", score=0.9, alive=True)
    yield says(10, "face", "term-f2", person="1", score=0.9, alive=True)
    yield says(11, "face", "term-f1", person="1", score=0.9, alive=True, times=2)
    yield says(26, "status", "term-f1", online=True)
    yield says(42, "status", "term-f1", online=True)


def presses() -> Iterator[Said]:
    yield says(8, "sos", "btn-c1")
    yield says(11, "sos", "btn-c1", press="long", times=3)
    yield says(12, "sos", "btn-c1", press="test")
    yield from (zigbee(DIES - 0.2 + n / 20, "emergency") for n in range(8))
    yield says(24, "sos", "btn-c1", at=-3600, replayed=True)  # of an hour ago
    yield says(40, "sos", "btn-c1", press="cancel")
    yield says(44, "sos", "btn-c1")
