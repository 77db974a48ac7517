"""What weighs on whoever answers now: of what a flood is made, and what has stood too long. Pure.

The limits are those by which a backtest judges the load (`alerts.figures.alarm_load`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

import msgspec

from alerts.figures.alarm_load import FLOOD_BEGINS_ABOVE, FLOOD_WINDOW, STALE_AFTER
from alerts.types import Alert
from devices.directory import Directory
from devices.subject import Kind, Subject

FEWEST = 3  # alarms of a rule below which what they share is chance
KINDS: tuple[Kind, ...] = ("gateway", "area", "agency")  # of places: the first is mended soonest


class Cause(msgspec.Struct, frozen=True):
    """Alarms of one rule, and what most of them have in common."""

    rule: str
    place: Subject | None  # a gateway, an area or an agency; None = no one place
    alarms: int


def flooding(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Return the alerts raised in the last 10 minutes, by which a flood is measured."""
    return [alert for alert in alerts if now - alert.raised_at < FLOOD_WINDOW]


def is_flood(alarms: int, seats: int) -> bool:
    """Return True if so many in 10 minutes are more than the seats can answer: over 10 each."""
    return alarms > FLOOD_BEGINS_ABOVE * seats


def causes(alerts: Iterable[Alert], directory: Directory) -> list[Cause]:
    """Return what these alarms come from, the most first: a rule, and where it happens.

    The place is the narrowest gateway, area or agency that more than half of a rule's alarms have
    in common, of the three the one that explains most of them; the others count apart.
    """
    by_rule: defaultdict[str, list[tuple[Subject, ...]]] = defaultdict(list)
    for alert in alerts:
        by_rule[alert.rule].append(_places(alert, directory))
    found: list[Cause] = []
    for rule, places in by_rule.items():
        place, there = _shared(places)
        parts = ((place, there), (None, len(places) - there))
        found.extend(Cause(rule, where, count) for where, count in parts if count)
    return sorted(found, key=lambda cause: (-cause.alarms, cause.rule, str(cause.place or "")))


def stale(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Return the alerts open for more than 24 hours, answered or muted or not, the oldest first."""
    oldest = stale_before(now)
    standing = (alert for alert in alerts if alert.state in ("open", "acknowledged"))
    return sorted(
        (alert for alert in standing if alert.raised_at < oldest),
        key=lambda alert: (alert.raised_at, alert.id),
    )


def stale_before(now: datetime) -> datetime:
    """Return the moment before which an alert that is still open was raised, if it is stale."""
    return now - STALE_AFTER


def _shared(places: list[tuple[Subject, ...]]) -> tuple[Subject | None, int]:
    """Return the place most of them have in common, and how many do; None and 0 for no place."""
    if len(places) < FEWEST:
        return None, 0
    counts = Counter(place for each in places for place in each)
    common = [place for place, count in counts.items() if 2 * count > len(places)]
    # Of a place and a wider one with as many alarms the narrower was counted first: min finds it.
    narrowest = [
        min(alike, key=counts.__getitem__)
        for kind in KINDS
        if (alike := [place for place in common if place.kind == kind])
    ]
    place = max(narrowest, key=counts.__getitem__, default=None)
    return place, counts[place] if place else 0


def _places(alert: Alert, directory: Directory) -> tuple[Subject, ...]:
    """Return where an alarm comes from, the narrowest of a kind first.

    The whole town is left out where it has parts: it explains nothing.
    """
    path = directory.area_path(alert.area)
    gateways = (
        Subject("gateway", key) for key in _gateways(Subject.parse(alert.subject), directory)
    )
    areas = (Subject("area", key) for key in path[:-1] or path)
    agency = (Subject("agency", alert.agency),) if alert.agency else ()
    return tuple(dict.fromkeys((*gateways, *areas, *agency)))


def _gateways(subject: Subject, directory: Directory) -> Iterable[str]:
    key = subject.id
    if subject.kind == "gateway":
        return (key, *directory.gateways_of(key))
    held = [key] if subject.kind == "device" else [one.id for one in directory.held_by(subject)]
    return (gateway for device in held for gateway in directory.gateways_of(device))
