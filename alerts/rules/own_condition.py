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
from typing import Never

from msgspec.structs import replace

from alerts.rule import (
    NO_TIMER,
    Forget,
    Keep,
    Rule,
    RuleState,
    TimerChoice,
    Verdict,
    evidence_of,
)
from alerts.rules.shared.conditions import concerns, fits, is_true
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Condition, Finding, FindingEvent, Severity
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
from devices.subject import Subject

KEPT = 200  # readings a window holds at most, the latest; our choice
LOOK_AGAIN = timedelta(minutes=10)  # after raising: is the condition still set? Our choice


class ConditionState(RuleState, frozen=True):
    """What is remembered of one condition and subject."""

    last: Reading | None = None  # by its own time
    window: tuple[Reading, ...] = ()  # by their own times
    severity: Severity | None = None  # as raised; None = no alert is open


class ConditionRule(Rule[ConditionState, Parameters, Reading, Never]):
    name = "own_condition"
    severity = Severity.MEDIUM  # where the condition names none
    readings = (Position, DoorMoved, SosPressed, FaceSeen, VisitMarked, DeviceStatus, Measured)
    settings = Parameters
    state = ConditionState

    def listens(self, kind: type[Reading], town: Town) -> bool:
        return any(
            kind is Measured if one.quantities else not one.kinds or KIND_OF[kind] in one.kinds
            for one in town.conditions.values()
        )

    def route_reading(self, reading: Reading, town: Town) -> Iterable[str]:
        return [
            f"{condition.id} {subject}"
            for condition in town.conditions.values()
            if concerns(condition, reading)
            for subject in (subject_for(condition, reading, town),)
            if fits(condition, subject, town.directory)
        ]

    def on_reading(
        self, key: str, state: ConditionState | None, reading: Reading, town: Town
    ) -> Verdict[ConditionState]:
        return self._judge(key, heard(state or ConditionState(), reading), town)

    def on_timer(self, key: str, state: ConditionState, town: Town) -> Verdict[ConditionState]:
        return self._judge(key, state, town)

    def _judge(self, key: str, state: ConditionState, town: Town) -> Verdict[ConditionState]:
        """Return the verdict of a condition on a subject, if the two still belong together."""
        name, _, subject = key.partition(" ")
        condition = town.conditions.get(name)
        if condition is None or not fits(condition, subject, town.directory):
            over = self._finding("cleared", name, subject, state, "condition_removed", town)
            return Forget((over,) if state.severity is not None else ())
        state = in_window(state, condition, town.now)
        holds = is_true(condition.when, state.last, state.window, town.now)
        findings: tuple[Finding, ...] = ()
        if holds and state.severity is None:
            state = replace(state, severity=condition.severity)
            findings = (self._finding("raised", name, subject, state, "", town),)
        elif holds is False and state.severity is not None:
            findings = (self._finding("cleared", name, subject, state, "", town),)
            state = replace(state, severity=None)
        return Keep(state, next_look(state, condition, town.now), findings)

    def _finding(
        self,
        event: FindingEvent,
        name: str,
        subject: str,
        state: ConditionState,
        reason: str,
        town: Town,
    ) -> Finding:
        """Return a finding of a condition, which may be gone from the town by now."""
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
            evidence=tuple(evidence_of("reading", one) for one in window_or_last(state)),
        )
        if condition is None:
            return found
        when = {"when": condition.when, "window_minutes": condition.window_minutes}
        return replace(found, settings=when)


def subject_for(condition: Condition, reading: Reading, town: Town) -> str:
    """Return whom a reading is judged for: the holder of its device, or the device."""
    device = reading.device
    if condition.per == "holder":
        return town.subject_of(device)
    return str(Subject("device", device))


def heard(state: ConditionState, reading: Reading) -> ConditionState:
    """Return the state with one more reading in its place in time; a repeat changes nothing."""
    name = (reading.device, reading.id, reading.at)
    if any((one.device, one.id, one.at) == name for one in state.window):
        return state
    window = list(state.window)
    insort(window, reading, key=lambda one: one.at)
    newer = state.last is None or reading.at >= state.last.at
    return replace(state, last=reading if newer else state.last, window=tuple(window[-KEPT:]))


def in_window(state: ConditionState, condition: Condition, now: datetime) -> ConditionState:
    """Return the state without the readings that are too old for the window."""
    begins = now - timedelta(minutes=condition.window_minutes)
    if all(one.at > begins for one in state.window):
        return state
    return replace(state, window=tuple(one for one in state.window if one.at > begins))


def window_or_last(state: ConditionState) -> tuple[Reading, ...]:
    """Return the readings that a verdict goes by."""
    return state.window or ((state.last,) if state.last is not None else ())


def next_look(state: ConditionState, condition: Condition, now: datetime) -> datetime | TimerChoice:
    """Return when time alone may change the verdict."""
    looks = [now + LOOK_AGAIN] if state.severity is not None else []
    if state.window:
        looks.append(state.window[0].at + timedelta(minutes=condition.window_minutes))
    return min(looks, default=NO_TIMER)


OWN_CONDITION = ConditionRule()
