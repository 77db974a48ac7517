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

FEWEST = 3  # alarms of a rule below which what they share is chance
KINDS = ("gateway:", "area:", "agency:")  # of places, the one that is mended soonest first


class Cause(msgspec.Struct, frozen=True):
    """Alarms of one rule, and what most of them have in common."""

    rule: str
    place: str  # "gateway:hub-1", "area:wangji" or "agency:a-1"; "" = no one place
    alarms: int


def flooding(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Those raised in the last 10 minutes: what a flood is measured by."""
    return [alert for alert in alerts if now - alert.raised_at < FLOOD_WINDOW]


def is_flood(alarms: int, seats: int) -> bool:
    """Whether so many in 10 minutes are more than the seats can answer: over 10 each."""
    return alarms > FLOOD_BEGINS_ABOVE * seats


def causes(alerts: Iterable[Alert], directory: Directory) -> list[Cause]:
    """What these alarms come from, the most first: a rule, and where it happens.

    The place is the narrowest gateway, area or agency that more than half of a rule's alarms have
    in common, of the three the one that explains most of them; the others count apart.
    """
    by_rule: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for alert in alerts:
        by_rule[alert.rule].append(_places(alert, directory))
    found: list[Cause] = []
    for rule, places in by_rule.items():
        place, there = _shared(places)
        parts = ((place, there), ("", len(places) - there))
        found.extend(Cause(rule, where, count) for where, count in parts if count)
    return sorted(found, key=lambda cause: (-cause.alarms, cause.rule, cause.place))


def stale(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Those that have stood for more than 24 hours, answered or muted or not; the oldest first."""
    oldest = stale_before(now)
    standing = (alert for alert in alerts if alert.state in ("open", "acknowledged"))
    return sorted(
        (alert for alert in standing if alert.raised_at < oldest),
        key=lambda alert: (alert.raised_at, alert.id),
    )


def stale_before(now: datetime) -> datetime:
    """What was raised before this moment and still stands has gone stale."""
    return now - STALE_AFTER


def _shared(places: list[tuple[str, ...]]) -> tuple[str, int]:
    """The place most of them have in common, and how many do; "" and 0 where there is none."""
    if len(places) < FEWEST:
        return "", 0
    counts = Counter(place for each in places for place in each)
    common = [place for place, count in counts.items() if 2 * count > len(places)]
    # Of a place and a wider one with as many alarms the narrower was counted first: min finds it.
    narrowest = [
        min(alike, key=counts.__getitem__)
        for kind in KINDS
        if (alike := [place for place in common if place.startswith(kind)])
    ]
    place = max(narrowest, key=counts.__getitem__, default="")
    return place, counts[place]


def _places(alert: Alert, directory: Directory) -> tuple[str, ...]:
    """Where an alarm comes from, the narrowest of a kind first. The whole town explains nothing."""
    path = directory.area_path(alert.area)
    gateways = (f"gateway:{key}" for key in _gateways(alert.subject, directory))
    areas = (f"area:{key}" for key in path[:-1] or path)
    agency = (f"agency:{alert.agency}",) if alert.agency else ()
    return tuple(dict.fromkeys((*gateways, *areas, *agency)))


def _gateways(subject: str, directory: Directory) -> Iterable[str]:
    what, _, key = subject.partition(":")
    if what == "gateway":
        return (key, *directory.gateways_of(key))
    held = (key,) if what == "device" else (device.id for device in directory.held_by(subject))
    return (gateway for device in held for gateway in directory.gateways_of(device))
