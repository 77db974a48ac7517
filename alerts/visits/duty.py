"""When a caregiver is on duty, by the visits planned."""

from datetime import date, datetime, timedelta

import msgspec

from alerts.town.town import Town
from alerts.visits.calendar import Planned, planned_on

# Before the day's first planned visit and after its last. Our choice: on the way there and back.
BEFORE_FIRST = timedelta(minutes=30)
AFTER_LAST = timedelta(minutes=30)
DAY = timedelta(days=1)


class Duty(msgspec.Struct, frozen=True, array_like=True):
    """One day's duty: from half an hour before the first visit to half an hour after the last."""

    day: date  # local
    begin: datetime
    end: datetime


def next_duty(caregiver: str, town: Town) -> Duty | None:
    """Return the duty that runs now, or the next one by tomorrow; None if no visit is planned."""
    today = town.now.astimezone(town.zone).date()
    for day in (today - DAY, today, today + DAY):  # last night's may run past midnight
        plans = town.rounds.get(caregiver, {}).values()
        duty: Duty | None = None
        for plan in plans:
            visit = planned_on(plan, day, town.zone)
            duty = duty if visit is None else with_visit(duty, visit, day)
        if duty is not None and duty.end > town.now:
            return duty
    return None


def with_visit(duty: Duty | None, visit: Planned, day: date) -> Duty:
    """Return the duty with one more visit planned on a local day; the earlier day wins."""
    alone = Duty(day, visit.start - BEFORE_FIRST, visit.end + AFTER_LAST)
    if duty is None or day < duty.day:
        return alone
    if day > duty.day:
        return duty
    return Duty(day, min(duty.begin, alone.begin), max(duty.end, alone.end))
