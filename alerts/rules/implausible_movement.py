"""A phone claims what no road allows, or says itself that the place is made up.

Raises when two good fixes at least 5 s apart, by the phone's clock, would need more than
`km_per_hour` (`too_fast`), and on any fix the phone marks as `mock`. Every position is judged, on
duty or not. Both accuracies are taken off the distance; a fix vaguer than 100 m says nothing, and
one without an accuracy counts as 100 m vague. Fixes within a second of one another, without a
time or with a quarantined clock say nothing about speed. A late fix is compared with its
neighbours in time, not with what came before it, so a backlog in any order looks like the journey
it was. Further implausible fixes belong to the open alert without a finding each. Clears
(`plausible`) with a plausible fix half an hour younger than the last implausible one. The subject
is the person who carries the phone.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Never

from alerts.rule import NO_TIMER, UNCHANGED, Keep, Rule, RuleState, Verdict, evidence_of
from alerts.rules.shared.journey import (
    KEPT,
    Fix,
    follows,
    good,
    is_repeat,
    km_per_hour,
    pairs,
    woven,
)
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity
from devices.readings import Position

CALM = timedelta(minutes=30)  # plausible for so long: it is over; our choice


class MovementSettings(Parameters, frozen=True):
    """The limit is our choice: faster than any road between two visits."""

    km_per_hour: float = 150


class MovementState(RuleState, frozen=True):
    """What is remembered of one phone."""

    fixes: tuple[Fix, ...] = ()  # by time, oldest first
    last: datetime | None = None  # the youngest implausible fix, while an alert is open
    subject: str = ""  # of the alert


class MovementRule(Rule[MovementState, MovementSettings, Position, Never]):
    name = "implausible_movement"
    severity = Severity.LOW
    readings = (Position,)
    settings = MovementSettings
    state = MovementState

    def route_reading(self, reading: Position, town: Town) -> Iterable[str]:
        return (reading.device,)

    def on_reading(
        self, key: str, state: MovementState | None, reading: Position, town: Town
    ) -> Verdict[MovementState]:
        state = state or MovementState()
        if reading.mock:
            mock = (evidence_of("mock", reading),)
            return self._judge(state, reading, reading.at, "mock", mock, town)
        fix = good(reading)
        if fix is None:
            return UNCHANGED
        limit = town.settings(self, town.subject_of(key)).km_per_hour
        is_over = state.last is not None and fix.at >= state.last + CALM
        if not is_over and follows(state.fixes, fix, limit):
            fixes = (*state.fixes[1 - KEPT :], fix)
            return Keep(MovementState(fixes, state.last, state.subject), NO_TIMER)
        if is_repeat(state.fixes, fix):
            return UNCHANGED
        bad = [pair for pair in pairs(state.fixes, fix) if km_per_hour(*pair) > limit]
        state = MovementState(woven(state.fixes, fix), state.last, state.subject)
        if not bad and state.last is None:
            return Keep(state, NO_TIMER)
        wrong_at = max((younger.at for _, younger in bad), default=None)
        proof = evidence(key, *bad[0]) if bad else ()
        return self._judge(state, reading, wrong_at, "too_fast", proof, town)

    def _judge(
        self,
        state: MovementState,
        reading: Position,
        wrong_at: datetime | None,
        reason: str,
        proof: tuple[Evidence, ...],
        town: Town,
    ) -> Keep[MovementState]:
        """Raise what is wrong and new, clear what has been calm; late evidence may do both."""
        findings: list[Finding] = []
        if wrong_at is not None and state.last is None:
            subject = town.subject_of(reading.device)
            findings.append(self._raised(subject, reading.device, reason, proof, town))
            state = MovementState(state.fixes, wrong_at, subject)
        last = max(at for at in (state.last, wrong_at) if at is not None)
        if not state.fixes or state.fixes[-1].at < last + CALM:
            state = MovementState(state.fixes, last, state.subject)
            return Keep(state, NO_TIMER, tuple(findings))
        findings.append(self._cleared(state, reading.device, town))
        return Keep(MovementState(state.fixes), NO_TIMER, tuple(findings))

    def _raised(
        self,
        subject: str,
        device: str,
        reason: str,
        proof: tuple[Evidence, ...],
        town: Town,
    ) -> Finding:
        """Return the finding that a position can't be true."""
        detail = f"a position of {device} ({subject}) {WRONGS[reason]}"
        return self.finding(
            "raised", subject, reason, detail, town=town, key=device, evidence=proof
        )

    def _cleared(self, state: MovementState, device: str, town: Town) -> Finding:
        """Return the finding that the device has moved plausibly for long enough."""
        return self.finding(
            "cleared",
            state.subject,
            "plausible",
            f"{device} has moved plausibly for {CALM // timedelta(minutes=1)} min",
            town=town,
            key=device,
            evidence=evidence(device, state.fixes[-1]),
        )


WRONGS = {
    "mock": "is marked as made up by the phone itself",
    "too_fast": "is farther from the one beside it in time than any road allows",
}


def evidence(device: str, *fixes: Fix) -> tuple[Evidence, ...]:
    """Return the fixes that contradict one another, without where they are: it is printed."""
    return tuple(Evidence(what="position", at=fix.at, device=device, id=fix.id) for fix in fixes)


IMPLAUSIBLE_MOVEMENT = MovementRule()
