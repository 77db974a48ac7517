"""On which side of a zone's edge a fix is, and when a zone is active. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec

from alerts.town.geometry import Fence
from alerts.types import Zone
from devices.readings import Position

DAY = timedelta(days=1)


class Period(NamedTuple):
    """From when to when a zone is active without a break; None: with no such end."""

    begin: datetime | None = None
    end: datetime | None = None


class Sharpness(NamedTuple):
    """How sure a fix must be, in metres."""

    margin: float
    accuracy_cap: float


def side_of(fix: Position, zone: Zone, beside: Iterable[Zone], needs: Sharpness) -> bool | None:
    """Return True if a fix says *out*, False if it says *back*, None if it says nothing.

    `beside`: the owner's other zones that are active. Who is inside one that is to be kept in
    is out of none of them.
    """
    if fix.mock or (fix.accuracy or 0) > needs.accuracy_cap:
        return None
    out = wrong_side(fix, zone, needs)
    if not out or zone.rule != "keep_in":
        return out
    others = [wrong_side(fix, other, needs) for other in beside if other.rule == "keep_in"]
    return False if False in others else None if None in others else True


def wrong_side(fix: Position, zone: Zone, needs: Sharpness) -> bool | None:
    """Return True if a fix is surely on the wrong side, False on the right one, else None."""
    beyond = fence_of(zone).beyond(fix.lat, fix.lon)
    wrong = beyond if zone.rule == "keep_in" else -beyond
    if wrong <= 0:
        return False
    return True if wrong - (fix.accuracy or needs.accuracy_cap) > needs.margin else None


def period_of(zone: Zone, at: datetime, tz: ZoneInfo) -> Period | None:
    """Return the time around a moment in which a zone is active; None where it is not."""
    if (zone.from_ is not None and at < zone.from_) or (
        zone.until is not None and at >= zone.until
    ):
        return None
    hours = ALWAYS if zone.active is None else hours_around(zone.active, at, tz)
    if hours is None:
        return None
    begins = [moment for moment in (zone.from_, hours.begin) if moment is not None]
    ends = [moment for moment in (zone.until, hours.end) if moment is not None]
    return Period(max(begins, default=None), min(ends, default=None))


def hours_around(hours: str, at: datetime, tz: ZoneInfo) -> Period | None:
    """Return the hours around a moment, such as "20:00-06:00" of the town's time, in UTC."""
    start, end = clock_times(hours)
    today = at.astimezone(tz).date()
    for day in (today - DAY, today):
        last = day if start <= end else day + DAY
        begin = datetime.combine(day, start, tz).astimezone(UTC)
        over = datetime.combine(last, end, tz).astimezone(UTC)
        if begin <= at < over:
            return Period(begin, over)
    return None


@lru_cache(maxsize=1024)
def clock_times(hours: str) -> tuple[time, time]:
    """Read "20:00-06:00"."""
    start, _, end = hours.partition("-")
    return time.fromisoformat(start.strip()), time.fromisoformat(end.strip())


def shape_of(zone: Zone) -> int:
    """Return a number that changes when the zone does."""
    return crc32(msgspec.json.encode(zone))


@lru_cache(maxsize=65_536)
def fence_of(zone: Zone) -> Fence:
    """Return a zone's edge, made ready once."""
    return Fence(zone)


ALWAYS = Period()
