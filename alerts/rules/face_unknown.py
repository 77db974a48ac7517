"""A terminal sees a living face that nobody knows.

Raises on a live face without a person (`stranger`), and on a person code that the register does
not hold (`unregistered`): one alert a code. The same face lingering is `joined`, at most once a
minute, until it has not been seen for `join_minutes`; after that it raises again. An unregistered
code clears (`registered`) at its first sighting after it has been registered; strangers are for a
person to close. The subject is the facility whose terminal saw the face.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from alerts.rule import Felt, Rule, RuleEvent, RuleState, Verdict, seen
from alerts.rules.shared.sighting import is_live_face, person_seen
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Finding, FindingEvent, Severity, Stored
from devices.readings import FaceSeen, Reading

LINGERS = timedelta(minutes=1)  # between two words on the same face
KEPT = 256  # codes remembered a facility


class UnknownSettings(Parameters, frozen=True):
    join_minutes: float = 10


class Unknown(msgspec.Struct, frozen=True, array_like=True):
    """One face nobody knows."""

    seen: datetime  # last, by the terminal's clock
    told: datetime  # the sighting last spoken of


class UnknownState(RuleState, frozen=True):
    faces: dict[str, Unknown] = {}  # by person code; "" = strangers


class UnknownRule(Rule[UnknownState, UnknownSettings]):
    name = "face_unknown"
    severity = Severity.LOW
    wants = (FaceSeen,)
    settings = UnknownSettings
    state = UnknownState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        return (town.subject_of(said.device),) if isinstance(said, FaceSeen) else ()

    def step(self, key: str, state: UnknownState | None, felt: Felt, town: Town) -> Verdict | None:
        if not isinstance(felt, Stored) or not isinstance(felt.reading, FaceSeen):
            return None
        state, said = state or UnknownState(), felt.reading
        code = said.person or ""
        if code and person_seen(said, town) is not None:
            return self._registered(key, state, said, town)
        if not is_live_face(said):
            return None
        face = state.faces.get(code)
        window = timedelta(minutes=town.settings(self, key).join_minutes)
        if face is None or abs(said.at - face.seen) > window:
            found = self._finding("raised", key, said, town)
            return Verdict(remembered(state, code, Unknown(said.at, said.at)), (found,))
        told = said.at >= face.told + LINGERS
        after = Unknown(max(face.seen, said.at), said.at if told else face.told)
        joined = (self._finding("joined", key, said, town),) if told else ()
        return Verdict(remembered(state, code, after), joined)

    def _registered(
        self, key: str, state: UnknownState, said: FaceSeen, town: Town
    ) -> Verdict | None:
        code = said.person or ""
        if code not in state.faces:
            return None
        faces = {other: face for other, face in state.faces.items() if other != code}
        detail = f"the person code {code} is registered now"
        cleared = self.finding("cleared", key, "registered", detail, town=town, key=code)
        return Verdict(UnknownState(faces), (cleared,))

    def _finding(self, event: FindingEvent, key: str, said: FaceSeen, town: Town) -> Finding:
        who = f"the unregistered person code {said.person}" if said.person else "a stranger"
        return self.finding(
            event,
            key,
            "unregistered" if said.person else "stranger",
            f"{said.device} of {key} saw {who}",
            town=town,
            key=said.person or "",
            evidence=(seen("face", said),),
        )


def remembered(state: UnknownState, code: str, face: Unknown) -> UnknownState:
    """The state with this face as the latest; the one longest unheard of is forgotten."""
    others = {other: kept for other, kept in state.faces.items() if other != code}
    while len(others) >= KEPT:
        del others[next(iter(others))]
    return UnknownState({**others, code: face})


FACE_UNKNOWN = UnknownRule()
