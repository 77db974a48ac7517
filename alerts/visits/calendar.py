"""From plans to visits: which visits fall on which local day.

A plan is one visit or a series (RFC 5545, in the town's wall-clock time, so nine o'clock stays
nine o'clock across a clock change). A visit is named after its plan and the local date on which
its window starts ("v-1@2026-11-02"), also when the window runs across midnight. `except_dates`
fall out and `extra_dates` come in whatever the series says: a working Saturday (调休) is an extra
date, the holiday it pays for an exception.

The calendar lays out today and tomorrow when it begins, and the day after at each midnight.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Never
from zoneinfo import ZoneInfo

import msgspec
from dateutil.rrule import rrulestr

from alerts.rule import UNCHANGED, Begun, Change, Keep, Rule, RuleEvent, RuleState, Verdict
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import PlannedVisit, Severity
from core.errors import CarewatchError

CHUNK = 28  # days of a series worked out at a time: whole weeks; our choice
TWO_YEARS = 27  # chunks
DAY = timedelta(days=1)
# A single visit that ended longer ago is not taken up any more: as long as a record can be
# corrected by default.
LOOK_BACK = timedelta(hours=72)


class Planned(msgspec.Struct, frozen=True):
    """One visit as planned."""

    id: str
    plan: str
    client: str
    caregiver: str | None
    start: datetime  # window, aware UTC
    end: datetime
    minutes: int


class VisitPlanned(RuleEvent, frozen=True):
    """The calendar has laid out a visit (again, perhaps)."""

    visit: Planned


def planned_on(plan: PlannedVisit, day: date, zone: ZoneInfo) -> Planned | None:
    """Return the visit of a plan whose window starts on a local day, if there is one.

    Raise CarewatchError as `days_of` does.

    A series that says several times a day has one visit a day, at the plan's own time.
    """
    start = plan.start.astimezone(zone).replace(tzinfo=None)
    if not falls_on(plan, day, start, zone):
        return None
    length = plan.end.astimezone(zone).replace(tzinfo=None) - start
    begins = datetime.combine(day, start.time())
    return Planned(
        id=f"{plan.id}@{day.isoformat()}",
        plan=plan.id,
        client=plan.client,
        caregiver=plan.caregiver,
        start=begins.replace(tzinfo=zone).astimezone(UTC),
        end=(begins + length).replace(tzinfo=zone).astimezone(UTC),
        minutes=plan.minutes,
    )


def falls_on(plan: PlannedVisit, day: date, start: datetime, zone: ZoneInfo) -> bool:
    """Return True if a plan has a visit on a local day. `start` is its first, in local time."""
    text = day.isoformat()
    if text in plan.except_dates:
        return False
    if text in plan.extra_dates:
        return True
    if plan.rrule is None:
        return start.date() == day
    return day >= start.date() and day in days_of(plan.rrule, start, day.toordinal() // CHUNK, zone)


@lru_cache(maxsize=131_072)
def days_of(text: str, start: datetime, chunk: int, zone: ZoneInfo) -> frozenset[date]:
    """Return the days of a series within one chunk of the calendar; series alike share the work.

    `start` is wall-clock time. Raise CarewatchError when the rule cannot be read.
    """
    first = datetime.fromordinal(chunk * CHUNK)
    try:
        begins = near(text, start, first)
        series = rrulestr(on_wall_clock(text, zone), dtstart=begins)
        found = series.between(first, first + CHUNK * DAY - timedelta.resolution, inc=True)
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        raise CarewatchError(f"rrule {text!r}: {wrong}; see RFC 5545, section 3.3.10") from None
    return frozenset(at.date() for at in found)


def near(text: str, start: datetime, first: datetime) -> datetime:
    """Return a later start of the same series, so that years need not be counted through."""
    parts = dict(part.split("=", 1) for part in text.upper().removeprefix("RRULE:").split(";"))
    step = {"DAILY": 1, "WEEKLY": 7}.get(parts["FREQ"], 0) * int(parts.get("INTERVAL", 1))
    if not step or "COUNT" in parts or start >= first:
        return start
    return start + (first - start).days // step * step * DAY


def on_wall_clock(text: str, zone: ZoneInfo) -> str:
    """Return the rule with its UNTIL as the wall clocks of the zone show it.

    A moment in UTC is brought there; a date alone holds to the end of its day.
    """

    def local(found: re.Match[str]) -> str:
        until = datetime.strptime(found[1], "%Y%m%dT%H%M%S%z").astimezone(zone)
        return f"UNTIL={until:%Y%m%dT%H%M%S}"

    text = re.sub(r"UNTIL=(\d{8}T\d{6}Z)", local, text, flags=re.IGNORECASE)
    return re.sub(r"(UNTIL=\d{8})(?![0-9T])", r"\1T235959", text, flags=re.IGNORECASE)


def is_empty(plan: PlannedVisit, zone: ZoneInfo) -> bool:
    """Return True if a series holds no visit in its first two years. Raises as `days_of`."""
    if plan.rrule is None or plan.extra_dates:
        return False
    start = plan.start.astimezone(zone).replace(tzinfo=None)
    chunk = start.toordinal() // CHUNK
    chunks = (days_of(plan.rrule, start, chunk + n, zone) for n in range(TWO_YEARS))
    return not any(
        day >= start.date() and day.isoformat() not in plan.except_dates
        for days in chunks
        for day in days
    )


# ---------------------------------------------------------------- laying out the days


class CalendarState(RuleState, frozen=True):
    through: date  # the last local day laid out


class Calendar(Rule[CalendarState, Parameters, Never, Never]):
    """Lays out each visit as its day comes near; takes no readings and finds nothing itself."""

    name = "calendar"
    severity = Severity.LOW
    settings = Parameters
    state = CalendarState

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        is_concerned = isinstance(change, Begun) or change.plans.visits or change.timezone
        return ("",) if is_concerned else ()  # one state for the town

    def on_change(
        self, key: str, state: CalendarState | None, change: Change, town: Town
    ) -> Verdict[CalendarState]:
        every_plan = town.visit_plans.values()
        if state is None:
            tomorrow = today(town) + DAY
            return laying(taken_up(every_plan, tomorrow, town), tomorrow, town)
        if isinstance(change, Begun):
            return self.on_timer(key, state, town) if days_after(state.through, town) else UNCHANGED
        changed = every_plan if change.timezone else change.plans.visits
        visits = taken_up(changed, state.through, town)
        return laying([*visits, *new_visits(state.through, town)], state.through, town)

    def on_timer(self, key: str, state: CalendarState, town: Town) -> Verdict[CalendarState]:
        return laying(new_visits(state.through, town), state.through, town)


def laying(visits: Iterable[Planned], through: date, town: Town) -> Keep[CalendarState]:
    """Return the verdict that lays out these visits and wakes the calendar at midnight."""
    tomorrow = today(town) + DAY
    events = tuple(VisitPlanned(visit) for visit in sorted(visits, key=in_order))
    state = CalendarState(max(through, tomorrow))
    return Keep(state, midnight(tomorrow, town.zone), events=events)


def new_visits(through: date, town: Town) -> list[Planned]:
    """Return the visits of the days up to tomorrow that have not been laid out."""
    return laid_out(town.visit_plans.values(), days_after(through, town), town.zone)


def days_after(through: date, town: Town) -> list[date]:
    """Return the days behind this one, up to and with tomorrow."""
    return [through + n * DAY for n in range(1, (today(town) + DAY - through).days + 1)]


def today(town: Town) -> date:
    """Return the local day of the engine's moment."""
    return town.now.astimezone(town.zone).date()


def laid_out(plans: Iterable[PlannedVisit], days: Iterable[date], zone: ZoneInfo) -> list[Planned]:
    """Return the visits of these days."""
    plans = list(plans)
    found = (planned_on(plan, day, zone) for day in days for plan in plans)
    return [visit for visit in found if visit is not None]


def taken_up(plans: Iterable[PlannedVisit], through: date, town: Town) -> list[Planned]:
    """Return the visits of plans just learnt of, up to and with a day.

    Those whose window is over by now are left alone: nobody was listening for them. With
    `town.hindsight` they are judged all the same: of a series those of today, and a single visit
    as long as late evidence could still be heard for it.
    """
    now, zone, this_day = town.now, town.zone, today(town)
    found: list[Planned] = []
    for plan in plans:
        first = this_day - DAY
        if plan.rrule is None:
            begins = plan.start.astimezone(zone).date()
            first = max((now - LOOK_BACK).astimezone(zone).date(), begins)
        for day in (first + n * DAY for n in range((through - first).days + 1)):
            visit = planned_on(plan, day, zone)
            if visit is None:
                continue
            if visit.end > now or (town.hindsight and (plan.rrule is None or day >= this_day)):
                found.append(visit)
    return found


def in_order(visit: Planned) -> tuple[datetime, str]:
    """Sort by time; never by which plan was known first, which a restart forgets."""
    return visit.start, visit.id


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


CALENDAR = Calendar()
