"""A terminal sees a living face that nobody knows.

Raises on a live face without a person (`stranger`), and on a person code that the register does
not hold (`unregistered`): one alert a code. The same face lingering is `joined`, at most once a
minute, until it has not been seen for `join_minutes`; after that it raises again. An unregistered
code clears (`registered`) at its first sighting after it has been registered; strangers are for a
person to close. The subject is the facility whose terminal saw the face.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Never

import msgspec

from alerts.rule import NO_TIMER, UNCHANGED, Keep, Rule, RuleState, Verdict, evidence_of
from alerts.rules.shared.sighting import is_live_face, person_seen
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Finding, FindingEvent, Severity
from devices.readings import FaceSeen

LINGERS = timedelta(minutes=1)  # between two findings on the same face; our choice
KEPT = 256  # codes remembered a facility: more than any home has residents


class UnknownSettings(Parameters, frozen=True):
    """How long the same face is one alert; our choice."""

    join_minutes: float = 10


class Unknown(msgspec.Struct, frozen=True, array_like=True):
    """One face nobody knows."""

    seen: datetime  # last, by the terminal's clock
    found: datetime  # the sighting of the last finding


class UnknownState(RuleState, frozen=True):
    """What is remembered of one facility."""

    faces: dict[str, Unknown] = {}  # by person code; "" = strangers


class UnknownRule(Rule[UnknownState, UnknownSettings, FaceSeen, Never]):
    name = "face_unknown"
    severity = Severity.LOW
    readings = (FaceSeen,)
    settings = UnknownSettings
    state = UnknownState

    def route_reading(self, reading: FaceSeen, town: Town) -> Iterable[str]:
        return (town.subject_of(reading.device),)

    def on_reading(
        self, key: str, state: UnknownState | None, reading: FaceSeen, town: Town
    ) -> Verdict[UnknownState]:
        state, code = state or UnknownState(), reading.person or ""
        if code and person_seen(reading, town) is not None:
            return self._registered(key, state, code, town)
        if not is_live_face(reading):
            return UNCHANGED
        face = state.faces.get(code)
        window = timedelta(minutes=town.settings(self, key).join_minutes)
        if face is None or abs(reading.at - face.seen) > window:
            found = self._finding("raised", key, reading, town)
            face = Unknown(reading.at, reading.at)
            return Keep(remembered(state, code, face), NO_TIMER, (found,))
        is_news = reading.at >= face.found + LINGERS
        after = Unknown(max(face.seen, reading.at), reading.at if is_news else face.found)
        joined = (self._finding("joined", key, reading, town),) if is_news else ()
        return Keep(remembered(state, code, after), NO_TIMER, joined)

    def _registered(
        self, key: str, state: UnknownState, code: str, town: Town
    ) -> Verdict[UnknownState]:
        """Return the verdict that a code is known now; it clears what was raised of it."""
        if code not in state.faces:
            return UNCHANGED
        faces = {other: face for other, face in state.faces.items() if other != code}
        detail = f"the person code {code} is registered now"
        cleared = self.finding("cleared", key, "registered", detail, town=town, key=code)
        return Keep(UnknownState(faces), NO_TIMER, (cleared,))

    def _finding(self, event: FindingEvent, key: str, face: FaceSeen, town: Town) -> Finding:
        """Return a finding on a face that nobody knows."""
        who = f"the unregistered person code {face.person}" if face.person else "a stranger"
        return self.finding(
            event,
            key,
            "unregistered" if face.person else "stranger",
            f"{face.device} of {key} saw {who}",
            town=town,
            key=face.person or "",
            evidence=(evidence_of("face", face),),
        )


def remembered(state: UnknownState, code: str, face: Unknown) -> UnknownState:
    """Return the state with this face as the latest; the one longest not seen is forgotten."""
    others = {other: kept for other, kept in state.faces.items() if other != code}
    while len(others) >= KEPT:
        del others[next(iter(others))]
    return UnknownState({**others, code: face})


FACE_UNKNOWN = UnknownRule()
