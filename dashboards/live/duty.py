"""Who is on duty, who is free, and who of them is nearest. Pure.

On duty is from 30 min before the day's first planned visit to 30 min after its last.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from alerts.types import VisitRecord

MARGIN = timedelta(minutes=30)
EARTH = 6_371_008.8  # metres, mean radius (IUGG)


class Placed(Protocol):
    """Anything with coordinates in degrees, WGS-84."""

    @property
    def lat(self) -> float:
        """Return the latitude in degrees."""

    @property
    def lon(self) -> float:
        """Return the longitude in degrees."""


class SeenAt(Placed, Protocol):
    """A place, and when somebody was seen there."""

    @property
    def at(self) -> datetime:
        """Return the moment, aware."""


def on_duty(visits: Iterable[VisitRecord], now: datetime) -> frozenset[str]:
    """Return the ids of caregivers on duty at `now`, by the visits of the day."""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for visit in visits:
        if visit.caregiver is None or visit.state == "cancelled":
            continue
        first, last = spans.get(visit.caregiver, (visit.start, visit.end))
        spans[visit.caregiver] = min(first, visit.start), max(last, visit.end)
    return frozenset(
        caregiver
        for caregiver, (first, last) in spans.items()
        if first - MARGIN <= now <= last + MARGIN
    )


def in_visit(visits: Iterable[VisitRecord]) -> frozenset[str]:
    """Return the ids of caregivers whose visit has begun and not ended."""
    begun = (visit for visit in visits if visit.began is not None and visit.ended is None)
    carers = (visit.came or visit.caregiver for visit in begun if visit.state == "begun")
    return frozenset(carer for carer in carers if carer is not None)


def metres(one: Placed, other: Placed) -> float:
    """Return the great-circle distance in metres (haversine)."""
    lat1, lat2 = math.radians(one.lat), math.radians(other.lat)
    half_lat = (lat2 - lat1) / 2
    half_lon = math.radians(other.lon - one.lon) / 2
    a = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * EARTH * math.asin(math.sqrt(min(1.0, a)))


def by_distance(
    place: Placed, fixes: Mapping[str, Placed], among: frozenset[str], limit: int = 3
) -> list[tuple[float, str]]:
    """Return (metres, caregiver id) of those of `among` that have a position, nearest first."""
    found = ((metres(place, fix), key) for key, fix in fixes.items() if key in among)
    return sorted(found)[:limit]
