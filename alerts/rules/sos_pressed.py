"""Somebody pressed an emergency button.

Raises for any press but `test` and `cancel`, however old the press is and whatever its clock.
A press of the same subject within `join_minutes` of the press that raised is joined: the alert
counts it. The window is judged by when the buttons were pressed (the device's
clock, unless it is quarantined) and counts from the raising press, in both directions: a buffered
press of this morning is an emergency of its own, not a part of this evening's. Nothing clears an
SOS but a person. A `test` press is kept as the button's last test. A message that comes twice
(same device, id and time) is one press.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Never

import msgspec

from alerts.rule import NO_TIMER, UNCHANGED, Keep, Rule, RuleState, Verdict, evidence_of
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Severity
from devices.readings import SosPressed

KEPT = 16  # presses and incidents remembered a subject; a forgotten one can only raise again
BUFFERED = timedelta(minutes=5)  # an older press is named as buffered; our choice


class SosSettings(Parameters, frozen=True):
    """How long presses belong to one emergency; our choice."""

    join_minutes: float = 10


class SosState(RuleState, frozen=True):
    """What is remembered of one subject."""

    raised: tuple[datetime, ...] = ()  # when the raising presses were pressed
    presses: tuple[tuple[str, str, datetime], ...] = ()  # device, id, at
    tested: dict[str, datetime] = {}  # device -> last test press


class SosRule(Rule[SosState, SosSettings, SosPressed, Never]):
    name = "sos_pressed"
    severity = Severity.LIFE
    lane = "life"
    readings = (SosPressed,)
    settings = SosSettings
    state = SosState

    def route_reading(self, reading: SosPressed, town: Town) -> Iterable[str]:
        return (town.subject_of(reading.device),)

    def on_reading(
        self, key: str, state: SosState | None, reading: SosPressed, town: Town
    ) -> Verdict[SosState]:
        state, press = state or SosState(), reading
        if press.press == "test":
            return Keep(tested(state, press), NO_TIMER)
        name = (press.device, press.id, press.at)
        if press.press == "cancel" or name in state.presses:
            return UNCHANGED
        window = timedelta(minutes=town.settings(self, key).join_minutes)
        joins = any(abs(press.at - raised) <= window for raised in state.raised)
        found = self.finding(
            "joined" if joins else "raised",
            key,
            "pressed_again" if joins else "pressed",
            sentence(key, press),
            town=town,
            evidence=(evidence_of("sos", press, press.press),),
        )
        presses = (*state.presses, name)[-KEPT:]
        raised = state.raised if joins else (*state.raised, press.at)[-KEPT:]
        state = msgspec.structs.replace(state, raised=raised, presses=presses)
        return Keep(state, NO_TIMER, (found,))


def tested(state: SosState, press: SosPressed) -> SosState:
    """Return the state with the button's latest test."""
    latest = max(press.at, state.tested.get(press.device, press.at))
    return msgspec.structs.replace(state, tested={**state.tested, press.device: latest})


def sentence(subject: str, press: SosPressed) -> str:
    """Return who pressed what, and how old the press is when it was buffered."""
    age = press.received_at - press.at
    late = f", {age.total_seconds() / 60:.0f} min before it was heard" if age > BUFFERED else ""
    return f"{subject} pressed the SOS button {press.device} ({press.press}){late}"


SOS_PRESSED = SosRule()
