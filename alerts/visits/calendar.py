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
from zoneinfo import ZoneInfo

import msgspec
from dateutil.rrule import rrulestr

from alerts.rule import Begun, Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import PlannedVisit, Severity, TownChanged
from core.errors import CarewatchError

CHUNK = 28  # days of a series worked out at a time: whole weeks
TWO_YEARS = 27  # chunks
DAY = timedelta(days=1)
LOOK_BACK = timedelta(hours=72)  # a single visit that ended longer ago is not taken up any more


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
    """The calendar laid out a visit (again, perhaps)."""

    visit: Planned


def planned_on(plan: PlannedVisit, day: date, zone: ZoneInfo) -> Planned | None:
    """The visit of a plan whose window starts on a local day. Raises CarewatchError as `days_of`.

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
    """Does the plan hold a visit on this local day? `start` is its first, in wall-clock time."""
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
    """The days of a series within one chunk of the calendar; series alike share the work.

    `start` is wall-clock time. Raises CarewatchError when the rule cannot be read.
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
    """Where the same series may as well begin, so that years need not be counted through."""
    parts = dict(part.split("=", 1) for part in text.upper().removeprefix("RRULE:").split(";"))
    step = {"DAILY": 1, "WEEKLY": 7}.get(parts["FREQ"], 0) * int(parts.get("INTERVAL", 1))
    if not step or "COUNT" in parts or start >= first:
        return start
    return start + (first - start).days // step * step * DAY


def on_wall_clock(text: str, zone: ZoneInfo) -> str:
    """The rule with its UNTIL as the wall clocks of the zone show it.

    A moment in UTC is brought there; a date alone holds to the end of its day.
    """

    def local(found: re.Match[str]) -> str:
        until = datetime.strptime(found[1], "%Y%m%dT%H%M%S%z").astimezone(zone)
        return f"UNTIL={until:%Y%m%dT%H%M%S}"

    text = re.sub(r"UNTIL=(\d{8}T\d{6}Z)", local, text, flags=re.IGNORECASE)
    return re.sub(r"(UNTIL=\d{8})(?![0-9T])", r"\1T235959", text, flags=re.IGNORECASE)


def is_empty(plan: PlannedVisit, zone: ZoneInfo) -> bool:
    """Does a series hold no visit in its first two years? Raises CarewatchError as `days_of`."""
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


class Calendar(Rule[CalendarState, Parameters]):
    """Tells each visit as its day comes near; takes no readings and finds nothing itself."""

    name = "calendar"
    severity = Severity.LOW
    settings = Parameters
    state = CalendarState

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        if isinstance(change, Begun) or change.plans.visits or change.timezone:
            return ("",)
        return ()

    def step(self, key: str, state: CalendarState | None, felt: Felt, town: Town) -> Verdict | None:
        today = town.now.astimezone(town.zone).date()
        through = today + DAY
        if state is None:
            visits = taken_up(town.visit_plans.values(), through, town)
        elif isinstance(felt, TownChanged):
            plans = town.visit_plans.values() if felt.timezone else felt.plans.visits
            visits = taken_up(plans, state.through, town)
        elif through > state.through:
            days = [state.through + n * DAY for n in range(1, (through - state.through).days + 1)]
            visits = laid_out(town.visit_plans.values(), days, town.zone)
        else:
            return None
        through = max(through, state.through) if state else through
        return Verdict(
            CalendarState(through),
            wake_at=midnight(today + DAY, town.zone),
            tells=tuple(VisitPlanned(visit) for visit in sorted(visits, key=in_order)),
        )


def laid_out(plans: Iterable[PlannedVisit], days: Iterable[date], zone: ZoneInfo) -> list[Planned]:
    """The visits of these days."""
    plans = list(plans)
    found = (planned_on(plan, day, zone) for day in days for plan in plans)
    return [visit for visit in found if visit is not None]


def taken_up(plans: Iterable[PlannedVisit], through: date, town: Town) -> list[Planned]:
    """The visits that plans just learnt of hold up to a day.

    Those whose window is over by now are left alone: nobody was listening for them. With
    `town.hindsight` they are judged all the same: of a series those of today, and a single visit
    as long as late evidence could still be heard for it.
    """
    now, zone = town.now, town.zone
    today = now.astimezone(zone).date()
    found: list[Planned] = []
    for plan in plans:
        first = today - DAY
        if plan.rrule is None:
            begins = plan.start.astimezone(zone).date()
            first = max((now - LOOK_BACK).astimezone(zone).date(), begins)
        for day in (first + n * DAY for n in range((through - first).days + 1)):
            visit = planned_on(plan, day, zone)
            if visit is None:
                continue
            if visit.end > now or (town.hindsight and (plan.rrule is None or day >= today)):
                found.append(visit)
    return found


def in_order(visit: Planned) -> tuple[datetime, str]:
    """By time; never by which plan was known first, which a restart forgets."""
    return visit.start, visit.id


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


CALENDAR = Calendar()
