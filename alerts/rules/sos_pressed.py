"""Somebody pressed an emergency button.

Raises for any press but `test` and `cancel`, however old the press is and whatever its clock.
A press of the same subject within `join_minutes` of the press that raised is joined: it is told,
and the alert counts it. The window is judged by when the buttons were pressed (the device's
clock, unless it is quarantined) and counts from the raising press, in both directions: a buffered
press of this morning is an emergency of its own, not a part of this evening's. Nothing clears an
SOS but a person. A `test` press is kept as the button's last test. A message that comes twice
(same device, id and time) is one press.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from alerts.rule import Felt, Rule, RuleEvent, RuleState, Verdict, seen
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Severity, Stored
from devices.readings import Reading, SosPressed

KEPT = 16  # presses and incidents remembered a subject; a forgotten one can only raise again


class SosSettings(Parameters, frozen=True):
    join_minutes: float = 10


class SosState(RuleState, frozen=True):
    raised: tuple[datetime, ...] = ()  # when the raising presses were pressed
    presses: tuple[tuple[str, str, datetime], ...] = ()  # device, id, at
    tested: dict[str, datetime] = {}  # device -> last test press


class SosRule(Rule[SosState, SosSettings]):
    name = "sos_pressed"
    severity = Severity.LIFE
    lane = "life"
    wants = (SosPressed,)
    settings = SosSettings
    state = SosState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        return (town.subject_of(said.device),) if isinstance(said, SosPressed) else ()

    def step(self, key: str, state: SosState | None, felt: Felt, town: Town) -> Verdict | None:
        if not isinstance(felt, Stored) or not isinstance(felt.reading, SosPressed):
            return None
        state, press = state or SosState(), felt.reading
        if press.press == "test":
            return Verdict(tested(state, press))
        name = (press.device, press.id, press.at)
        if press.press == "cancel" or name in state.presses:
            return None
        window = timedelta(minutes=town.settings(self, key).join_minutes)
        joins = any(abs(press.at - raised) <= window for raised in state.raised)
        found = self.finding(
            "joined" if joins else "raised",
            key,
            "pressed_again" if joins else "pressed",
            sentence(key, press),
            town=town,
            evidence=(seen("sos", press, press.press),),
        )
        presses = (*state.presses, name)[-KEPT:]
        raised = state.raised if joins else (*state.raised, press.at)[-KEPT:]
        state = msgspec.structs.replace(state, raised=raised, presses=presses)
        return Verdict(state, (found,))


def tested(state: SosState, press: SosPressed) -> SosState:
    """The state with the button's latest test."""
    latest = max(press.at, state.tested.get(press.device, press.at))
    return msgspec.structs.replace(state, tested={**state.tested, press.device: latest})


def sentence(subject: str, press: SosPressed) -> str:
    """Who pressed what, and how old the press is when it was buffered."""
    age = press.received_at - press.at
    late = f", {age.total_seconds() / 60:.0f} min before it was heard" if age > BUFFERED else ""
    return f"{subject} pressed the SOS button {press.device} ({press.press}){late}"


BUFFERED = timedelta(minutes=5)  # an older press is named as buffered
SOS_PRESSED = SosRule()
