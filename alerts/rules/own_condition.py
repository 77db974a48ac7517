"""A condition that the town has written itself, in CEL.

A town file lists `conditions`; `alerts.rules.shared.conditions` says what an expression can name.
Each is judged for each holder of devices (or each device) it is meant for, whenever a reading of
its `kinds` or `quantities` comes and whenever one leaves its window. Raises when the expression
becomes true, at the severity the condition names, and clears when it becomes false; an expression
that says nothing of a reading changes nothing. The key is the condition's id, the reason too.
Readings are put in the order of their own times; one older than the window counts only if it is
the last that is known. A window holds the latest 200 readings at most. A condition that is changed
is judged anew with the next reading; one that is taken out of the town file, or that no longer
fits, clears within ten minutes (`condition_removed`).
"""

from bisect import insort
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from alerts.rule import Felt, Rule, RuleEvent, RuleState, Verdict, seen
from alerts.rules.shared.conditions import concerns, fits, is_true
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Condition, Finding, FindingEvent, Severity, Stored, Tick
from devices.readings import (
    KIND_OF,
    DeviceStatus,
    DoorMoved,
    FaceSeen,
    Measured,
    Position,
    Reading,
    SosPressed,
    VisitMarked,
)

KEPT = 200  # readings a window holds at most, the latest
LOOK_AGAIN = timedelta(minutes=10)  # at a condition that stands: is it still in the town file?


class ConditionState(RuleState, frozen=True):
    last: Reading | None = None  # by its own time
    window: tuple[Reading, ...] = ()  # by their own times
    severity: Severity | None = None  # as raised; None = nothing stands


class ConditionRule(Rule[ConditionState, Parameters]):
    name = "own_condition"
    severity = Severity.MEDIUM  # where the condition names none
    wants = (Position, DoorMoved, SosPressed, FaceSeen, VisitMarked, DeviceStatus, Measured)
    settings = Parameters
    state = ConditionState

    def listens(self, kind: type, town: Town) -> bool:
        return any(
            kind is Measured if one.quantities else not one.kinds or KIND_OF[kind] in one.kinds
            for one in town.conditions.values()
        )

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        if isinstance(said, RuleEvent):
            return ()
        return [
            f"{condition.id} {subject}"
            for condition in town.conditions.values()
            if concerns(condition, said)
            for subject in (subject_for(condition, said, town),)
            if fits(condition, subject, town.directory)
        ]

    def step(
        self, key: str, state: ConditionState | None, felt: Felt, town: Town
    ) -> Verdict | None:
        name, _, subject = key.partition(" ")
        condition, state = town.conditions.get(name), state or ConditionState()
        if not isinstance(felt, Stored | Tick):
            return None
        if condition is None or not fits(condition, subject, town.directory):
            over = self._finding("cleared", name, subject, state, "condition_removed", town)
            return Verdict(None, (over,) if state.severity is not None else ())
        if isinstance(felt, Stored):
            state = heard(state, felt.reading)
        return self._judge(condition, subject, in_window(state, condition, town.now), town)

    def _judge(
        self, condition: Condition, subject: str, state: ConditionState, town: Town
    ) -> Verdict:
        holds = is_true(condition.when, state.last, state.window, town.now)
        findings: tuple[Finding, ...] = ()
        if holds and state.severity is None:
            state = replace(state, severity=condition.severity)
            findings = (self._finding("raised", condition.id, subject, state, "", town),)
        elif holds is False and state.severity is not None:
            findings = (self._finding("cleared", condition.id, subject, state, "", town),)
            state = replace(state, severity=None)
        return Verdict(state, findings, next_look(state, condition, town.now))

    def _finding(
        self,
        event: FindingEvent,
        name: str,
        subject: str,
        state: ConditionState,
        reason: str,
        town: Town,
    ) -> Finding:
        condition = town.conditions.get(name)
        text = (condition and condition.text) or name
        found = self.finding(
            event,
            subject,
            reason or name,
            text if event == "raised" else f"no longer: {text}",
            town=town,
            key=name,
            severity=state.severity,
            evidence=tuple(seen("reading", one) for one in window_or_last(state)),
        )
        if condition is None:
            return found
        when = {"when": condition.when, "window_minutes": condition.window_minutes}
        return replace(found, settings=when)


def subject_for(condition: Condition, said: Reading, town: Town) -> str:
    """Whom a reading speaks for under a condition: the holder of its device, or the device."""
    return town.subject_of(said.device) if condition.per == "holder" else f"device:{said.device}"


def heard(state: ConditionState, said: Reading) -> ConditionState:
    """The state with one more reading in its place in time; a repeat changes nothing."""
    if any((one.device, one.id, one.at) == (said.device, said.id, said.at) for one in state.window):
        return state
    window = list(state.window)
    insort(window, said, key=lambda one: one.at)
    newer = state.last is None or said.at >= state.last.at
    return replace(state, last=said if newer else state.last, window=tuple(window[-KEPT:]))


def in_window(state: ConditionState, condition: Condition, now: datetime) -> ConditionState:
    """The state without the readings that are too old for the window."""
    begins = now - timedelta(minutes=condition.window_minutes)
    if all(one.at > begins for one in state.window):
        return state
    return replace(state, window=tuple(one for one in state.window if one.at > begins))


def window_or_last(state: ConditionState) -> tuple[Reading, ...]:
    """The readings that a verdict goes by."""
    return state.window or ((state.last,) if state.last is not None else ())


def next_look(state: ConditionState, condition: Condition, now: datetime) -> datetime | None:
    """When time alone may change the verdict."""
    looks = [now + LOOK_AGAIN] if state.severity is not None else []
    if state.window:
        looks.append(state.window[0].at + timedelta(minutes=condition.window_minutes))
    return min(looks, default=None)


OWN_CONDITION = ConditionRule()
