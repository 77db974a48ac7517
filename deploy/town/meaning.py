"""What the words of a town file mean: ranges, times, recurrences, outlines, addresses, rules."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from alerts.rules.shared.conditions import fault_of
from alerts.types import Zone
from alerts.visits.calendar import CHUNK, days_of
from core.errors import CarewatchError
from core.refusal import near
from deploy.town.boundary import ring_fault
from deploy.town.draft import Draft
from deploy.town.marked import Path
from deploy.town.rule_settings import scope_faults, setting_faults
from deploy.town.typed import Wrong
from devices.directory import Circle
from devices.quantities import UNITS

TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
HOURS = re.compile(rf"({TIME_OF_DAY.pattern})-({TIME_OF_DAY.pattern})")
STEPS = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")  # a visit's id is its plan and its day
MAX_WINDOW = 7 * 24 * 60  # minutes that a condition may look back
ANY_ZONE = ZoneInfo("Asia/Shanghai")
ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - local wall time, as recurrences are reckoned


def meaning_faults(draft: Draft) -> Iterator[Wrong]:
    """Yield everything that has the right form and yet can't be."""
    for section, field in (("clients", "home"), ("facilities", "home"), ("caregivers", "base")):
        for number, item in draft[section].items():
            yield from _circle(getattr(item, field), (section, number, field))
    for number, client in draft["clients"].items():
        for n, away in enumerate(client.away):
            yield from _stretch(away, ("clients", number, "away", n, "until"))
    for number, device in draft["devices"].items():
        yield from _device(device, ("devices", number))
    for number, zone in draft["zones"].items():
        yield from _zone(zone, ("zones", number))
        row = draft.rows("zones")[number]
        if isinstance(row, dict) and (row.get("circle") is None) == (row.get("polygon") is None):
            yield ("zones", number), "write either a circle or a polygon"
    for number, visit in draft["visits"].items():
        yield from _visit(visit, ("visits", number))
    yield from _people(draft)
    for number, rota in draft["rotas"].items():
        yield from _rota(rota, ("rotas", number))
    for number, ladder in draft["ladders"].items():
        yield from _ladder(ladder, ("ladders", number))
    for number, condition in draft["conditions"].items():
        yield from _condition(condition, ("conditions", number))
    yield from setting_faults(draft)
    yield from scope_faults(draft)


def _circle(circle: Circle | None, path: Path) -> Iterator[Wrong]:
    if circle is None:
        return
    if not -90 <= circle.lat <= 90:
        swapped = "; are lat and lon swapped?" if abs(circle.lon) <= 90 else ""
        yield (*path, "lat"), f"{circle.lat} is not between -90 and 90{swapped}"
    if not -180 <= circle.lon <= 180:
        yield (*path, "lon"), f"{circle.lon} is not between -180 and 180"
    if not 0 < circle.radius <= 100_000:
        yield (*path, "radius"), f"{circle.radius} is not between 0 and 100000 metres"


def _stretch(stretch: Any, path: Path) -> Iterator[Wrong]:
    if stretch.until <= stretch.from_:
        yield path, "ends before it begins"


def _device(device: Any, path: Path) -> Iterator[Wrong]:
    if device.topic is not None and (not device.topic or re.search(r"[+#\0]", device.topic)):
        yield (*path, "topic"), f"{device.topic!r}: one exact topic, without + and #"
    if device.timezone is not None and not _is_zone(device.timezone):
        yield (
            (*path, "timezone"),
            f"{device.timezone!r} is no time zone; write one like Asia/Urumqi",
        )


@lru_cache
def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (KeyError, ValueError, OSError):
        return False


def _zone(zone: Zone, path: Path) -> Iterator[Wrong]:
    yield from _circle(zone.circle, (*path, "circle"))
    wrong = ring_fault(zone.polygon) if zone.polygon is not None else None
    if wrong:
        yield (*path, "polygon"), wrong
    yield from _hours(zone.active, (*path, "active"))
    if zone.from_ is not None and zone.until is not None:
        yield from _stretch(zone, (*path, "until"))


def _visit(visit: Any, path: Path) -> Iterator[Wrong]:
    if visit.start and visit.end and visit.end <= visit.start:
        yield (*path, "end"), "the window ends before it starts"
    if visit.minutes is not None and visit.minutes <= 0:
        yield (*path, "minutes"), "must be more than 0"
    wrong = _rrule_fault(visit.rrule) if visit.rrule is not None else None
    if wrong:
        yield (*path, "rrule"), wrong
    for field in ("except_dates", "extra_dates"):
        for n, text in enumerate(getattr(visit, field)):
            yield from _date(text, (*path, field, n))


def _parts(rrule: str) -> dict[str, str]:
    rule = rrule.upper().removeprefix("RRULE:")
    return dict(part.partition("=")[::2] for part in rule.split(";"))


@lru_cache(maxsize=1000)
def _rrule_fault(text: str) -> str | None:
    parts = _parts(text)
    if not all(parts.values()):
        return f"{text!r}: write parts like FREQ=WEEKLY;BYDAY=MO"
    if parts.get("FREQ") not in STEPS:
        return f"{text!r}: it needs FREQ=, one of {', '.join(STEPS)}"
    if "DTSTART" in parts or "\n" in text:
        return f"{text!r}: only the rule itself; the first day is `start`"
    interval = parts.get("INTERVAL", "1")
    if not interval.isdecimal() or int(interval) < 1:
        return f"{text!r}: INTERVAL must be 1 or more"
    try:
        days_of(text, ANY_DAY, ANY_DAY.toordinal() // CHUNK, ANY_ZONE)
    except CarewatchError as wrong:
        return str(wrong)
    return None


def _people(draft: Draft) -> Iterator[Wrong]:
    from alerts.channels.addresses import address_fault  # loads all of Apprise

    for number, person in draft["people"].items():
        for n, contact in enumerate(person.contacts):
            path: Path = ("people", number, "contacts", n)
            wrong = address_fault(contact.channel)
            if wrong:
                yield (*path, "channel"), wrong
            yield from _hours(contact.hours, (*path, "hours"))


def _rota(rota: Any, path: Path) -> Iterator[Wrong]:
    if not TIME_OF_DAY.fullmatch(rota.handover):
        yield (*path, "handover"), f"{rota.handover!r}: write a time of day like '08:00'"
    yield from _date(rota.start, (*path, "start"))
    for n, swap in enumerate(rota.swaps):
        yield from _stretch(swap, (*path, "swaps", n, "until"))


def _condition(condition: Any, path: Path) -> Iterator[Wrong]:
    fault = fault_of(condition) if condition.when is not None else None
    if fault is not None:
        yield (*path, "when"), f"{condition.when!r}: {fault}"
    for n, name in enumerate(condition.quantities):
        if name not in UNITS:
            yield (*path, "quantities", n), f"nothing measures {name!r}; {near(name, tuple(UNITS))}"
    if condition.quantities and not {"measured"}.issuperset(condition.kinds):
        yield (*path, "kinds"), "quantities are of the kind `measured` alone: leave kinds out"
    if not 0 <= condition.window_minutes <= MAX_WINDOW:
        text = f"{condition.window_minutes} is not between 0 and {MAX_WINDOW} minutes"
        yield (*path, "window_minutes"), text


def _ladder(ladder: Any, path: Path) -> Iterator[Wrong]:
    for n, rung in enumerate(ladder.rungs):
        if rung.after < 0:
            yield (*path, "rungs", n, "after"), "must be 0 seconds or more"
        if n and rung.after < ladder.rungs[n - 1].after:
            yield (*path, "rungs", n, "after"), "must not be earlier than the rung before"
    if ladder.repeat is not None and ladder.repeat <= 0:
        yield (*path, "repeat"), "must be more than 0 seconds"


def _hours(text: str | None, path: Path) -> Iterator[Wrong]:
    if text is None:
        return
    match = HOURS.fullmatch(text)
    if not match:
        yield path, f"{text!r}: write two times of day like '20:00-06:00'"
    elif text[:5] == text[6:]:
        yield path, f"{text!r} is no time at all; leave it out to mean always"


def _date(text: str, path: Path) -> Iterator[Wrong]:
    try:
        date.fromisoformat(text)
    except ValueError:
        yield path, f"{text!r}: write a date like '2026-11-02'"
