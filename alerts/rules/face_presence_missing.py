"""A resident whom no terminal has seen as often as the month asks for.

A month is split into `per_month` equal parts (two: 1-15 and 16-end). A resident is present when
each part holds a live sighting, these lying at least `min_days_apart` days from one another; days
are local dates by the terminal's clock. A sighting counts when it is a live face of at least
`min_score`, at any terminal in town; one without a score counts. Cards, fingers and pins do not.

Raises at the end of a month that was not kept: `not_seen`, `part_missing` or `too_close`. One
alert a month (its key is "2026-11"). Clears (`late_evidence`) when sightings of that month come
later. The reminder, three days before the month ends, is an alert of its own: severity low,
reason `reminder`, key "2026-11/reminder"; it clears once the sightings are complete (`seen`) and
at the end of the month (`month_ended`). Who joins the register during a month owes only the parts
that had not ended by then. Who leaves it clears (`resident_removed`).
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Never

from msgspec.structs import replace

from alerts.rule import UNCHANGED, Begun, Change, Forget, Keep, Rule, RuleState, Verdict
from alerts.rules.shared.affected import residents_of
from alerts.rules.shared.months import end_of, lack, month_of, parts_of
from alerts.rules.shared.sighting import is_live_face, person_seen
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity
from devices.readings import FaceSeen

REMIND = timedelta(days=3)  # before the end of the month; our choice
KEPT = 2  # missed months remembered, which late sightings may still put right; our choice


class PresenceSettings(Parameters, frozen=True):
    """Two sightings a month are what Yingkou and Xiashan ask for; days and score are our choice."""

    per_month: int = 2
    min_days_apart: int = 7
    min_score: float = 0.8


class PresenceState(RuleState, frozen=True):
    """What is remembered of one resident."""

    month: str  # the month that is watched, "2026-11"
    days: dict[str, tuple[int, ...]] = {}  # month -> its days with a sighting
    joined: date | None = None  # when the register first held the resident, if in some month
    reminded: bool = False  # a reminder of `month` is open
    missing: tuple[str, ...] = ()  # the months whose alert is open


class PresenceRule(Rule[PresenceState, PresenceSettings, FaceSeen, Never]):
    name = "face_presence_missing"
    severity = Severity.MEDIUM
    readings = (FaceSeen,)
    settings = PresenceSettings
    state = PresenceState

    def route_reading(self, reading: FaceSeen, town: Town) -> Iterable[str]:
        person = person_seen(reading, town) if is_live_face(reading) else None
        return (person,) if person is not None and person.startswith("resident:") else ()

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        return residents_of(change, town)

    def on_reading(
        self, key: str, state: PresenceState | None, reading: FaceSeen, town: Town
    ) -> Verdict[PresenceState]:
        state = state or PresenceState(month_of(today(town)))
        score = reading.score
        if score is not None and score < town.settings(self, key).min_score:
            return UNCHANGED
        day = reading.at.astimezone(town.zone).date()
        month = month_of(day)
        days = state.days.get(month, ())
        if day.day in days or (month < state.month and month not in state.missing):
            return UNCHANGED
        days = tuple(sorted({*days, day.day}))
        return self._watch(key, replace(state, days={**state.days, month: days}), town)

    def on_timer(self, key: str, state: PresenceState, town: Town) -> Verdict[PresenceState]:
        is_over = town.now >= end_of(state.month, town.zone)
        return self._month_ended(key, state, town) if is_over else self._watch(key, state, town)

    def on_change(
        self, key: str, state: PresenceState | None, change: Change, town: Town
    ) -> Verdict[PresenceState]:
        is_known = key.removeprefix("resident:") in town.directory.residents
        if state is None and is_known:
            joined = None if isinstance(change, Begun) else today(town)
            return self._watch(key, PresenceState(month_of(today(town)), joined=joined), town)
        if state is None or (is_known and isinstance(change, Begun)):
            return UNCHANGED
        return self._watch(key, state, town) if is_known else self._removed(key, state, town)

    def _watch(self, key: str, state: PresenceState, town: Town) -> Keep[PresenceState]:
        """Take back what no longer holds, remind where it is time, and wait for the next date."""
        findings: list[Finding] = []
        held = tuple(month for month in state.missing if self._lack(key, month, state, town))
        findings += [
            self._cleared(key, month, "late_evidence", state, town)
            for month in state.missing
            if month not in held
        ]
        lack = self._lack(key, state.month, state, town)
        due = town.now >= end_of(state.month, town.zone) - REMIND
        if state.reminded and lack is None:
            findings.append(self._cleared(key, f"{state.month}/reminder", "seen", state, town))
        if due and lack is not None and not state.reminded:
            findings.append(self._reminder(key, state, town))
        state = replace(state, missing=held, reminded=due and lack is not None)
        return Keep(state, next_date(state.month, town), tuple(findings))

    def _month_ended(self, key: str, state: PresenceState, town: Town) -> Keep[PresenceState]:
        """Judge the month that is over and watch the next."""
        findings: list[Finding] = []
        if state.reminded:
            over = self._cleared(key, f"{state.month}/reminder", "month_ended", state, town)
            findings.append(over)
        lack = self._lack(key, state.month, state, town)
        missing = state.missing[-(KEPT - 1) :]
        if lack is not None:
            findings.append(self._missing(key, state, lack, town))
            missing = (*missing, state.month)
        month = month_of(end_of(state.month, town.zone))
        days = {kept: state.days[kept] for kept in (*missing, month) if kept in state.days}
        state = replace(state, month=month, days=days, reminded=False, missing=missing)
        return Keep(state, next_date(month, town), tuple(findings))

    def _removed(self, key: str, state: PresenceState, town: Town) -> Forget:
        """Clear what is open of a resident who has left the register."""
        keys = (*state.missing, *([f"{state.month}/reminder"] if state.reminded else ()))
        cleared = (self._cleared(key, each, "resident_removed", state, town) for each in keys)
        return Forget(tuple(cleared))

    def _lack(self, key: str, month: str, state: PresenceState, town: Town) -> str | None:
        """Return why the sightings of a month do not suffice; None if they do."""
        settings = town.settings(self, key)
        joined = state.joined
        owed_from = joined.day if joined is not None and month_of(joined) == month else 1
        return lack(
            state.days.get(month, ()),
            parts_of(settings.per_month, owed_from),
            settings.min_days_apart,
        )

    def _missing(self, key: str, state: PresenceState, reason: str, town: Town) -> Finding:
        """Return the finding that a month was not kept."""
        return self.finding(
            "raised",
            key,
            reason,
            f"{key} was not seen in {state.month} as the month asks for: {LACKS[reason]}",
            town=town,
            key=state.month,
            evidence=sightings(state, state.month),
        )

    def _reminder(self, key: str, state: PresenceState, town: Town) -> Finding:
        """Return the finding that a month is soon over and not kept yet."""
        return self.finding(
            "raised",
            key,
            "reminder",
            f"{state.month} ends in {REMIND.days} days and {key} has not been seen enough",
            town=town,
            key=f"{state.month}/reminder",
            severity=Severity.LOW,
            evidence=sightings(state, state.month),
        )

    def _cleared(
        self, subject: str, key: str, reason: str, state: PresenceState, town: Town
    ) -> Finding:
        """Return the end of the alert with this key."""
        return self.finding(
            "cleared",
            subject,
            reason,
            f"{subject}, {key}: {ENDS[reason]}",
            town=town,
            key=key,
            evidence=sightings(state, key.partition("/")[0]),
        )


LACKS = {
    "not_seen": "no live sighting at all",
    "part_missing": "a part of the month without a live sighting",
    "too_close": "the sightings lie too close together",
}
ENDS = {
    "late_evidence": "sightings that came late complete the month",
    "seen": "the sightings are complete",
    "month_ended": "the month is over",
    "resident_removed": "no longer registered",
}


def today(town: Town) -> date:
    """Return the local day of the engine's moment."""
    return town.now.astimezone(town.zone).date()


def next_date(month: str, town: Town) -> datetime:
    """Return when to look at the month next: at its reminder, then at its end."""
    reminder = end_of(month, town.zone) - REMIND
    return reminder if town.now < reminder else end_of(month, town.zone)


def sightings(state: PresenceState, month: str) -> tuple[Evidence, ...]:
    """Return the days of a month with a sighting as evidence, or that there is no data."""
    days = state.days.get(month, ())
    if not days:
        return (Evidence(what="no_data", detail=month),)
    return tuple(Evidence(what="sighting", detail=f"{month}-{day:02}") for day in days)


FACE_PRESENCE_MISSING = PresenceRule()
