"""Months, their parts, and which days with a sighting satisfy them. Pure."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def month_of(day: date) -> str:
    """Return a day's month, "2026-11"."""
    return f"{day:%Y-%m}"


def end_of(month: str, zone: ZoneInfo) -> datetime:
    """Return the moment a month is over in a zone."""
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return datetime.combine(following, time(), zone)


def parts_of(per_month: int, owed_from: int = 1) -> list[range]:
    """Return the parts of a month as days, without those that were over before `owed_from`."""
    n = max(per_month, 1)
    starts = [1 + 30 * i // n for i in range(n)]  # two parts: 1 and 16
    stops = [*starts[1:], 32]
    parts = (range(start, stop) for start, stop in zip(starts, stops, strict=True))
    return [part for part in parts if part.stop > owed_from]


def lack(days: Iterable[int], parts: list[range], min_days_apart: int) -> str | None:
    """Return why these days do not give each part a sighting, far enough from the one before."""
    days = sorted(days)
    if not days and parts:
        return "not_seen"
    if any(not any(day in part for day in days) for part in parts):
        return "part_missing"
    earliest = 1
    for part in parts:
        fitting = [day for day in days if day in part and day >= earliest]
        if not fitting:
            return "too_close"
        earliest = fitting[0] + min_days_apart
    return None
