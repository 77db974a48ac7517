"""A phone's latest fixes, and how fast it must have moved between them. Pure.

Fixes are put in the order of their own times: a late one is compared with its neighbours in time,
so a backlog in any order looks like the journey it was.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from alerts.town.geometry import METRES_A_DEGREE, metres
from devices.readings import Position

# All our choice.
APART = timedelta(seconds=5)  # nearer in time, jitter alone looks like speed
SAME = timedelta(seconds=1)  # nearer still, it is one fix sent twice
VAGUE = 100.0  # metres; vaguer fixes are no good, a fix that names no accuracy is as bad
KEPT = 8  # fixes remembered a phone: more than APART / SAME, so that one is far enough off


class Fix(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A good fix with a time of its own."""

    at: datetime
    lat: float
    lon: float
    accuracy: float  # metres
    id: str


def good(reading: Position) -> Fix | None:
    """Return the fix, where it is near enough to be true and has a time that can be trusted."""
    accuracy = reading.accuracy or VAGUE
    if reading.observed_at is None or reading.clock == "quarantined" or accuracy > VAGUE:
        return None
    return Fix(reading.observed_at, reading.lat, reading.lon, accuracy, reading.id)


def follows(fixes: tuple[Fix, ...], fix: Fix, limit: float) -> bool:
    """Return True if a fix plainly goes on from the last, no faster than `limit` (km/h).

    So it is for most: their path is short even along a meridian and a parallel.
    """
    if not fixes:
        return False
    last = fixes[-1]
    seconds = (fix.at - last.at).total_seconds()
    if seconds < APART.total_seconds():
        return False
    path = METRES_A_DEGREE * (abs(fix.lat - last.lat) + abs(fix.lon - last.lon))
    return (path - last.accuracy - fix.accuracy) * 3.6 < limit * seconds


def is_repeat(fixes: tuple[Fix, ...], fix: Fix) -> bool:
    """Return True if there is a fix of the same moment already."""
    if fixes and fix.at - fixes[-1].at >= SAME:
        return False
    return any(abs(fix.at - kept.at) < SAME for kept in fixes)


def pairs(fixes: tuple[Fix, ...], fix: Fix) -> Iterator[tuple[Fix, Fix]]:
    """Yield the fix with each neighbour in time that is far enough off to judge a speed by."""
    if fixes and fix.at - fixes[-1].at >= APART:  # most fixes come in their order
        yield fixes[-1], fix
        return
    place = bisect_left(fixes, fix.at, key=lambda kept: kept.at)
    before = (kept for kept in reversed(fixes[:place]) if fix.at - kept.at >= APART)
    after = (kept for kept in fixes[place:] if kept.at - fix.at >= APART)
    yield from ((kept, fix) for kept in [next(before, None)] if kept is not None)
    yield from ((fix, kept) for kept in [next(after, None)] if kept is not None)


def km_per_hour(one: Fix, other: Fix) -> float:
    """Return the least speed that explains both fixes, their accuracies taken off."""
    apart = metres(one.lat, one.lon, other.lat, other.lon) - one.accuracy - other.accuracy
    return max(apart, 0.0) / (other.at - one.at).total_seconds() * 3.6


def woven(fixes: tuple[Fix, ...], fix: Fix) -> tuple[Fix, ...]:
    """Return the fixes with one more in its place; the one farthest in time from it goes."""
    if len(fixes) == KEPT and fix.at >= fixes[-1].at:
        return (*fixes[1:], fix)
    place = bisect_left(fixes, fix.at, key=lambda kept: kept.at)
    if len(fixes) < KEPT:
        return (*fixes[:place], fix, *fixes[place:])
    oldest_goes = fix.at - fixes[0].at >= fixes[-1].at - fix.at
    kept = fixes[1:] if oldest_goes else fixes[:-1]
    place -= oldest_goes
    return (*kept[:place], fix, *kept[place:])
