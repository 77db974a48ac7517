"""Who is on call: a pure function of plain data and a moment.

Handovers happen at a local time of day in the town's zone. They are compared as instants, so a
day of 23 or 25 hours has one handover like any other.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

from alerts.types import Rota

DAYS = {"daily": 1, "weekly": 7}  # days of one person's turn


class Shift(msgspec.Struct, frozen=True):
    """A stretch of a rota with the same person on call; None is a gap."""

    since: datetime
    until: datetime
    person: str | None


def on_call(rota: Rota, moment: datetime, zone: ZoneInfo) -> str | None:
    """Return who is on call at a moment; None where nobody is (before the start, an empty rota).

    A swap goes before the turn; of two swaps over the same moment the later in the list holds.
    """
    for swap in reversed(rota.swaps):
        if swap.from_ <= moment < swap.until:
            return swap.person
    return _by_turn(rota, moment, zone)


def shifts(rota: Rota, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[Shift]:
    """Yield the stretches of a rota from `since` to `until`, without holes, neighbours joined."""
    edges = sorted({since, *_edges(rota, since, until, zone), until})
    current: Shift | None = None
    for start, end in pairwise(edges):
        person = on_call(rota, start, zone)
        if current is not None and current.person == person:
            current = Shift(current.since, end, person)
            continue
        if current is not None:
            yield current
        current = Shift(start, end, person)
    if current is not None:
        yield current


def gaps(rota: Rota, since: datetime, until: datetime, zone: ZoneInfo) -> list[Shift]:
    """Return the stretches in which nobody is on call."""
    return [shift for shift in shifts(rota, since, until, zone) if shift.person is None]


def _by_turn(rota: Rota, moment: datetime, zone: ZoneInfo) -> str | None:
    if not rota.people:
        return None
    day = _turn_day(rota, moment, zone)
    days = (day - date.fromisoformat(rota.start)).days
    if days < 0:
        return None
    return rota.people[days // DAYS[rota.rotation] % len(rota.people)]


def _turn_day(rota: Rota, moment: datetime, zone: ZoneInfo) -> date:
    """Return the local date of the latest handover at or before a moment."""
    day = moment.astimezone(zone).date()
    return day if _handover(rota, day, zone) <= moment else day - timedelta(days=1)


def _handover(rota: Rota, day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(rota.handover), zone).astimezone(UTC)


def _edges(rota: Rota, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield every moment between the two at which the person on call may change."""
    day = since.astimezone(zone).date()
    while (handover := _handover(rota, day, zone)) < until:
        if handover > since:
            yield handover
        day += timedelta(days=1)
    for swap in rota.swaps:
        yield from (edge for edge in (swap.from_, swap.until) if since < edge < until)
