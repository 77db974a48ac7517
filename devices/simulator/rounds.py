"""Caregivers on their rounds: who is where at which moment. Pure; all times aware UTC.

Most visits are kept, some are late, some missed, as a hash of the visit's id decides, so that
the same day plays the same way again.
"""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

Fate = Literal["kept", "late", "missed"]
SHARES: tuple[tuple[Fate, int], ...] = (
    ("missed", 5),
    ("late", 13),
    ("kept", 100),
)  # percent, cumulated
METRES_PER_DEGREE = 111_320.0  # of latitude


class Call(msgspec.Struct, frozen=True):
    """One planned visit as the round knows it."""

    visit: str
    client: str
    lat: float  # degrees, the home
    lon: float
    start: datetime  # window
    end: datetime
    minutes: int  # planned length


class Stop(msgspec.Struct, frozen=True):
    """One stay at a client's home."""

    call: Call
    arrive: datetime
    leave: datetime


def fate_of(visit: str) -> Fate:
    """Draw what becomes of a visit: the same answer for the same id."""
    roll = int.from_bytes(hashlib.sha256(visit.encode()).digest()[:4], "big") % 100
    return next(fate for fate, below in SHARES if roll < below)


def stop_for(call: Call) -> Stop | None:
    """Return when the caregiver really comes and goes; None for a missed visit."""
    slack = call.end - call.start - timedelta(minutes=call.minutes)
    match fate_of(call.visit):
        case "missed":
            return None
        case "late":
            arrive = call.start + slack * 1.15
        case "kept":
            arrive = call.start + slack * 0.2
    return Stop(call, arrive, arrive + timedelta(minutes=call.minutes))


class Round:
    """One caregiver's day: stops in order, and a base to be at without any."""

    def __init__(self, base: tuple[float, float], calls: Sequence[Call]) -> None:
        self.base = base  # (lat, lon) in degrees
        stops = (stop_for(call) for call in sorted(calls, key=lambda call: call.start))
        self.stops = [stop for stop in stops if stop is not None]
        self._arrivals = [stop.arrive for stop in self.stops]

    def stop_at(self, moment: datetime) -> Stop | None:
        """Return the stop that is going on at this moment."""
        before = bisect_right(self._arrivals, moment)
        if before == 0:
            return None
        stop = self.stops[before - 1]
        return stop if moment < stop.leave else None

    def where(self, moment: datetime) -> tuple[float, float]:
        """Return (lat, lon) in degrees, at a home or on the way to the next."""
        staying = self.stop_at(moment)
        if staying is not None:
            return staying.call.lat, staying.call.lon
        before = bisect_right(self._arrivals, moment)
        left = self.stops[before - 1] if before else None
        ahead = self.stops[before] if before < len(self.stops) else None
        if left is None and ahead is None:
            return self.base
        origin = (left.call.lat, left.call.lon) if left else self.base
        target = (ahead.call.lat, ahead.call.lon) if ahead else self.base
        set_out = left.leave if left else moment
        due = ahead.arrive if ahead else set_out + timedelta(minutes=20)
        return along(origin, target, _share(set_out, due, moment))


def _share(start: datetime, end: datetime, moment: datetime) -> float:
    length = (end - start).total_seconds()
    if length <= 0:
        return 0.0
    return min(1.0, max(0.0, (moment - start).total_seconds() / length))


def along(
    origin: tuple[float, float], target: tuple[float, float], share: float
) -> tuple[float, float]:
    """Return the point after `share` (0-1) of a road that goes east-west first, then
    north-south."""
    east = abs(target[1] - origin[1]) * math.cos(math.radians(origin[0]))
    north = abs(target[0] - origin[0])
    whole = east + north
    if whole == 0:
        return target
    gone = share * whole
    if gone <= east:
        step = gone / east if east else 1.0
        return origin[0], origin[1] + (target[1] - origin[1]) * step
    step = (gone - east) / north if north else 1.0
    return origin[0] + (target[0] - origin[0]) * step, target[1]


def metres_off(point: tuple[float, float], north: float, east: float) -> tuple[float, float]:
    """Return `point` moved by so many metres."""
    lat, lon = point
    return (
        lat + north / METRES_PER_DEGREE,
        lon + east / (METRES_PER_DEGREE * math.cos(math.radians(lat))),
    )
