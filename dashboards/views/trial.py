"""A trial as its page shows it: what the form asks for, and the load before and after. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec

from alerts.trials import PARTS, AlarmLoad, SettingsChange, Summary, TownPart, nested
from core.errors import CarewatchError
from dashboards.views.moments import CENTURIES
from devices.directory import CareLevel, Directory
from devices.subject import Subject

PARAMETER = "p."  # before a parameter's name in the form
LONGEST = timedelta(days=31)
CARE_LEVELS: tuple[str, ...] = get_args(CareLevel)
USUAL = timedelta(days=7)  # what the form proposes


FIGURES = (
    "per_seat_per_day",
    "alarms",
    "of_these_rules",
    "peak_10_minutes",
    "floods",
    "flood_share",
    "chattering",
    "stale",
)


class FigureRow(msgspec.Struct, frozen=True):
    """One figure of the load: as it was, and as it would have been."""

    figure: str  # group "load"
    was: float
    would: float
    is_share: bool = False  # 0-1

    @property
    def change(self) -> float:
        """Return how much more (or, below 0, less) it would have been."""
        return round(self.would - self.was, 4)


def rows(summary: Summary, rules: Iterable[str]) -> list[FigureRow]:
    """Return the figures of ISA-18.2 beside each other, and how often just these rules raised."""
    was, would = summary.live_load, summary.alarm_load
    if was is None or would is None:
        return []
    before, after = (_figures(load, set(rules)) for load in (was, would))
    return [
        FigureRow(figure, before[figure], after[figure], is_share=figure == "flood_share")
        for figure in FIGURES
    ]


def change_of(rule: str, form: Mapping[str, str], directory: Directory) -> SettingsChange:
    """Return what a form asks for; an empty field changes nothing.

    Raises CarewatchError for a part of the town that the register does not hold.
    """
    given = {
        name.removeprefix(PARAMETER): text.strip()
        for name, text in form.items()
        if name.startswith(PARAMETER) and text.strip()
    }
    made = nested((f"{rule}.{name}", _value(text)) for name, text in given.items())
    return SettingsChange(rule=rule, parameters=made.get(rule, {}), part=_part(form, directory))


def span_of(form: Mapping[str, str], timezone: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the span from the first day's midnight to the last day's end, or until now.

    Raises CarewatchError for days the wrong way round, to come, or more than 31.
    """
    first, last = (_day(form.get(name, "")) for name in ("since", "until"))
    zone = ZoneInfo(timezone)
    since = datetime.combine(first, time(), zone).astimezone(UTC)
    until = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
    until = min(until, now.replace(microsecond=0))
    if not timedelta(0) < until - since <= LONGEST:
        raise CarewatchError(f"trial: from {first} to {last} is not 1 to 31 days up to today")
    return since, until


def seats_of(form: Mapping[str, str]) -> int:
    """Return between how many operators the alarms are shared."""
    text = form.get("seats", "1")
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise CarewatchError(f"trial: seats {text!r} is no number from 1 to 1000")
    return int(text)


def _part(form: Mapping[str, str], directory: Directory) -> TownPart:
    part = TownPart(**{name: form.get(name, "").strip() or None for name in PARTS})
    if part.area is not None and part.area not in directory.areas:
        raise CarewatchError(f"trial: there is no area {part.area!r}")
    if part.agency is not None and part.agency not in directory.agencies:
        raise CarewatchError(f"trial: there is no agency {part.agency!r}")
    if part.care_level is not None and part.care_level not in CARE_LEVELS:
        raise CarewatchError(f"trial: {part.care_level!r} is none of {', '.join(CARE_LEVELS)}")
    if part.subject is not None and not _is_known(part.subject, directory):
        raise CarewatchError(f"trial: there is no {part.subject!r}; write it like client:c-1")
    return part


def _is_known(text: str, directory: Directory) -> bool:
    try:
        return directory.item_of(Subject.parse(text)) is not None
    except CarewatchError:
        return False


def _figures(load: AlarmLoad, rules: Iterable[str]) -> dict[str, float]:
    return {
        "per_seat_per_day": load.per_seat_per_day,
        "alarms": load.alarms,
        "of_these_rules": sum(load.by_rule.get(rule, 0) for rule in rules),
        "peak_10_minutes": load.peak_10_minutes,
        "floods": len(load.floods),
        "flood_share": load.flood_share,
        "chattering": len(load.chattering),
        "stale": len(load.stale),
    }


def _value(text: str) -> object:
    """Return a number, true, false or null; anything else is a word."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise CarewatchError(f"trial: {text!r} is no date like 2026-11-02") from None
    if found.year not in CENTURIES:
        raise CarewatchError(f"trial: a day in the year {found.year}: choose one from 1970 to 2199")
    return found
