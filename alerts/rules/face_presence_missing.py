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
from datetime import date, datetime, time, timedelta

from msgspec.structs import replace

from alerts.rule import Begun, Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.rules.shared.affected import resettled
from alerts.rules.shared.sighting import is_live_face, person_seen
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity, Stored, Tick, TownChanged
from devices.readings import FaceSeen, Reading

REMIND = timedelta(days=3)  # before the end of the month
KEPT = 2  # missed months remembered, which late sightings may still put right


class PresenceSettings(Parameters, frozen=True):
    per_month: int = 2
    min_days_apart: int = 7
    min_score: float = 0.8


class PresenceState(RuleState, frozen=True):
    month: str  # the month that is watched, "2026-11"
    days: dict[str, tuple[int, ...]] = {}  # month -> its days with a sighting
    joined: date | None = None  # when the register first held the resident, if in some month
    reminded: bool = False  # a reminder of `month` stands
    missing: tuple[str, ...] = ()  # the months whose alert stands


class PresenceRule(Rule[PresenceState, PresenceSettings]):
    name = "face_presence_missing"
    severity = Severity.MEDIUM
    wants = (FaceSeen,)
    settings = PresenceSettings
    state = PresenceState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        if not isinstance(said, FaceSeen) or not is_live_face(said):
            return ()
        person = person_seen(said, town)
        return (person,) if person is not None and person.startswith("resident:") else ()

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        if isinstance(change, Begun) or resettled(change):
            yield from (f"resident:{resident.id}" for resident in town.directory.residents)
        else:
            yield from (f"resident:{resident.id}" for resident in change.register.residents)
        if isinstance(change, TownChanged):
            yield from (f"resident:{key}" for key in change.register.removed.get("residents", ()))

    def step(self, key: str, state: PresenceState | None, felt: Felt, town: Town) -> Verdict | None:
        if key.removeprefix("resident:") not in town.directory.residents:
            return None if state is None else self._removed(key, state, town)
        if isinstance(felt, Stored) and isinstance(felt.reading, FaceSeen):
            return self._seen(key, state or entered(felt, town), felt.reading, town)
        if isinstance(felt, Begun) and state is not None:
            return None
        state = state or entered(felt, town)
        if isinstance(felt, Tick) and town.now >= ends(state.month, town):
            return self._month_ended(key, state, town)
        return self._watch(key, state, town)

    def _seen(self, key: str, state: PresenceState, face: FaceSeen, town: Town) -> Verdict | None:
        settings = town.settings(self, key)
        if face.score is not None and face.score < settings.min_score:
            return None
        day = face.at.astimezone(town.zone).date()
        month = f"{day:%Y-%m}"
        days = state.days.get(month, ())
        if day.day in days or (month < state.month and month not in state.missing):
            return None
        days = tuple(sorted({*days, day.day}))
        return self._watch(key, replace(state, days={**state.days, month: days}), town)

    def _watch(self, key: str, state: PresenceState, town: Town) -> Verdict:
        """Take back what no longer holds, remind where it is time, and wait for the next date."""
        findings: list[Finding] = []
        held = tuple(month for month in state.missing if self._lack(key, month, state, town))
        findings += [
            self._cleared(key, month, "late_evidence", state, town)
            for month in state.missing
            if month not in held
        ]
        lack = self._lack(key, state.month, state, town)
        due = town.now >= ends(state.month, town) - REMIND
        if state.reminded and lack is None:
            findings.append(self._cleared(key, f"{state.month}/reminder", "seen", state, town))
        if due and lack is not None and not state.reminded:
            findings.append(self._reminder(key, state, town))
        state = replace(state, missing=held, reminded=due and lack is not None)
        return Verdict(state, tuple(findings), wake_at=next_date(state.month, town))

    def _month_ended(self, key: str, state: PresenceState, town: Town) -> Verdict:
        findings: list[Finding] = []
        if state.reminded:
            over = self._cleared(key, f"{state.month}/reminder", "month_ended", state, town)
            findings.append(over)
        lack = self._lack(key, state.month, state, town)
        missing = state.missing[-(KEPT - 1) :]
        if lack is not None:
            findings.append(self._missing(key, state, lack, town))
            missing = (*missing, state.month)
        month = f"{ends(state.month, town):%Y-%m}"
        days = {kept: state.days[kept] for kept in (*missing, month) if kept in state.days}
        state = replace(state, month=month, days=days, reminded=False, missing=missing)
        return Verdict(state, tuple(findings), wake_at=next_date(month, town))

    def _removed(self, key: str, state: PresenceState, town: Town) -> Verdict:
        keys = (*state.missing, *([f"{state.month}/reminder"] if state.reminded else ()))
        cleared = (self._cleared(key, each, "resident_removed", state, town) for each in keys)
        return Verdict(None, tuple(cleared))

    def _lack(self, key: str, month: str, state: PresenceState, town: Town) -> str | None:
        """Why the sightings of a month do not suffice; None: they do."""
        settings = town.settings(self, key)
        joined = state.joined
        owed_from = joined.day if joined is not None and f"{joined:%Y-%m}" == month else 1
        return lack(state.days.get(month, ()), parts_of(month, settings, owed_from), settings)

    def _missing(self, key: str, state: PresenceState, reason: str, town: Town) -> Finding:
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


def entered(felt: Felt, town: Town) -> PresenceState:
    """The state of a resident first heard of now."""
    today = town.now.astimezone(town.zone).date()
    joined = today if isinstance(felt, TownChanged) else None
    return PresenceState(month=f"{today:%Y-%m}", joined=joined)


def ends(month: str, town: Town) -> datetime:
    """The moment a month is over in the town's zone."""
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return datetime.combine(following, time(), town.zone)


def next_date(month: str, town: Town) -> datetime:
    """When the month is to be looked at next: its reminder, then its end."""
    reminder = ends(month, town) - REMIND
    return reminder if town.now < reminder else ends(month, town)


def parts_of(month: str, settings: PresenceSettings, owed_from: int = 1) -> list[range]:
    """The parts of a month as days; those that were over before `owed_from` left out."""
    n = max(settings.per_month, 1)
    starts = [1 + 30 * i // n for i in range(n)]  # two parts: 1 and 16
    stops = [*starts[1:], 32]
    parts = (range(start, stop) for start, stop in zip(starts, stops, strict=True))
    return [part for part in parts if part.stop > owed_from]


def lack(days: Iterable[int], parts: list[range], settings: PresenceSettings) -> str | None:
    """Why these days do not give each part a sighting, far enough from the one before."""
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
        earliest = fitting[0] + settings.min_days_apart
    return None


def sightings(state: PresenceState, month: str) -> tuple[Evidence, ...]:
    """The days of a month with a sighting; none: that no data was found."""
    days = state.days.get(month, ())
    if not days:
        return (Evidence(what="no_data", detail=month),)
    return tuple(Evidence(what="sighting", detail=f"{month}-{day:02}") for day in days)


FACE_PRESENCE_MISSING = PresenceRule()
