"""Errors of a day, and how well devices speak, by model and firmware: these a maker mends."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
import psycopg

from dashboards.texts import Words
from dashboards.views.desk import DeskView
from devices.readings import DeviceStatus
from ingest import history
from ingest.history import SKEWS, DeviceQuality, RejectionCount

DAY = timedelta(hours=24)
TOP = 50  # rows of a table
BUSIEST = 10  # devices


class Make(msgspec.Struct, frozen=True):
    """What devices have in common that a maker mends together; "" is not known."""

    model: str = ""
    firmware: str = ""


class ErrorRow(msgspec.Struct, frozen=True):
    """One reason for which a make was refused."""

    make: Make
    reason: str
    count: int
    devices: int
    first_at: datetime
    last_at: datetime
    sample: int  # the number of the newest rejection


class Bar(msgspec.Struct, frozen=True):
    """One bar of the clock histogram: from and to in seconds, None without an end."""

    low: int | None
    high: int | None
    count: int
    share: float  # of the longest bar


class QualityRow(msgspec.Struct, frozen=True):
    """How well a make speaks."""

    make: Make
    devices: int
    readings: int
    repeats: int  # messages sent again
    late: int
    untimed: int
    bars: tuple[Bar, ...]

    @property
    def repeated(self) -> float:
        """Return the share of what came that had come before."""
        return self.repeats / max(1, self.readings + self.repeats)

    @property
    def delayed(self) -> float:
        """Return the share of the readings that came late."""
        return self.late / max(1, self.readings)


class Makes:
    """Which make each device is: by the register, else by the firmware that it last said."""

    def __init__(self, conn: psycopg.Connection, desk: DeskView, devices: Collection[str]) -> None:
        self._known = desk.directory.devices
        quiet = [id for id in devices if (known := self._known.get(id)) and not known.firmware]
        self._said = {
            each.device: each.firmware
            for each in history.latest(conn, quiet)
            if isinstance(each, DeviceStatus) and each.firmware
        }

    def of(self, device: str) -> Make:
        """Return the make of a device; an empty one where nobody registered it."""
        known = self._known.get(device)
        if known is None:
            return Make()
        return Make(known.model, known.firmware or self._said.get(device, ""))


def error_rows(conn: psycopg.Connection, desk: DeskView) -> list[ErrorRow]:
    """Return what was refused in 24 hours, the most frequent first."""
    seen = desk.records.devices()
    counts = history.rejection_counts(conn, desk.now - DAY, seen)
    makes = Makes(conn, desk, {each.device for each in counts})
    return summed(counts, makes)[:TOP]


def summed(counts: Iterable[RejectionCount], makes: Makes) -> list[ErrorRow]:
    """Return the counts of devices added up by make and reason."""
    groups: dict[tuple[Make, str], list[RejectionCount]] = defaultdict(list)
    for each in counts:
        groups[makes.of(each.device), each.reason].append(each)
    rows = [
        ErrorRow(
            make=make,
            reason=reason,
            count=sum(each.count for each in group),
            devices=len({each.device for each in group}),
            first_at=min(each.first_at for each in group),
            last_at=max(each.last_at for each in group),
            sample=max(each.sample for each in group),
        )
        for (make, reason), group in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row.count, row.reason, row.make.model))


class Quality(msgspec.Struct, frozen=True):
    """How well the visitor's devices speak."""

    rows: list[QualityRow]
    busiest: list[DeviceQuality]


def quality(conn: psycopg.Connection, desk: DeskView) -> Quality:
    """Return how well each make speaks, by what came in 24 hours, and the busiest devices."""
    seen, since = desk.records.devices(), desk.now - DAY
    found = history.device_quality(conn, since, seen)
    repeats = history.repeats(conn, since, seen)
    makes = Makes(conn, desk, {each.device for each in found})
    groups: dict[Make, list[DeviceQuality]] = defaultdict(list)
    for each in found:
        groups[makes.of(each.device)].append(each)
    rows = [_row(make, group, repeats) for make, group in groups.items()]
    rows.sort(key=lambda row: (-row.readings, row.make.model, row.make.firmware))
    busiest = sorted(found, key=lambda one: (-one.busiest, one.device))
    return Quality(rows[:TOP], busiest[:BUSIEST])


def _row(make: Make, group: list[DeviceQuality], repeats: Mapping[str, int]) -> QualityRow:
    return QualityRow(
        make=make,
        devices=len(group),
        readings=sum(each.readings for each in group),
        repeats=sum(repeats.get(each.device, 0) for each in group),
        late=sum(each.late for each in group),
        untimed=sum(each.untimed for each in group),
        bars=bars([sum(counts) for counts in zip(*(each.skews for each in group), strict=True)]),
    )


def bars(counts: list[int]) -> tuple[Bar, ...]:
    """Return the bars of a histogram of `ingest.history.SKEWS`."""
    edges = (None, *SKEWS, None)
    longest = max(1, *counts)
    return tuple(
        Bar(low, high, count, count / longest)
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    )


def skew_said(bar: Bar, words: Words, seconds: Callable[[float], str]) -> str:
    """Return which clocks a bar counts, in words. `seconds` says a length of time."""
    low = "" if bar.low is None else seconds(abs(bar.low))
    high = "" if bar.high is None else seconds(abs(bar.high))
    if bar.low is None:
        return words("skew.below", to=high)
    if bar.high is None:
        return words("skew.above", **{"from": low})
    if bar.low < 0 < bar.high:
        return words("skew.near", to=high)
    if bar.high <= 0:
        return words("skew.ahead", **{"from": high, "to": low})
    return words("skew.behind", **{"from": low, "to": high})
