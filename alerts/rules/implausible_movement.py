"""A phone claims what no road allows, or says itself that the place is made up.

Raises when two good fixes at least 5 s apart, by the phone's clock, would need more than
`km_per_hour` (`too_fast`), and on any fix the phone marks as `mock`. Every position is judged, on
duty or not. Both accuracies are taken off the distance; a fix vaguer than 100 m says nothing, and
one without an accuracy counts as 100 m vague. Fixes within a second of one another, without a
time or with a quarantined clock say nothing about speed. A late fix is compared with its
neighbours in time, not with what came before it, so a backlog in any order looks like the journey
it was. Further implausible fixes belong to the standing alert without a word each. Clears
(`plausible`) with a plausible fix half an hour younger than the last implausible one. The subject
is the person who carries the phone.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from alerts.rule import STANDS, Felt, Rule, RuleEvent, RuleState, Verdict, seen
from alerts.town.geometry import METRES_A_DEGREE, metres
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity, Stored
from devices.readings import Position, Reading

APART = timedelta(seconds=5)  # nearer in time, jitter alone looks like speed
SAME = timedelta(seconds=1)  # nearer still, it is one fix told twice
VAGUE = 100.0  # metres; vaguer fixes are no good, a fix that names no accuracy is as bad
CALM = timedelta(minutes=30)  # plausible for so long: it is over
KEPT = 8  # fixes remembered a phone: more than APART / SAME, so that one is far enough off


class MovementSettings(Parameters, frozen=True):
    km_per_hour: float = 150


class Fix(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A good fix with a time of its own."""

    at: datetime
    lat: float
    lon: float
    accuracy: float  # metres
    id: str


class MovementState(RuleState, frozen=True):
    fixes: tuple[Fix, ...] = ()  # by time, oldest first
    last: datetime | None = None  # the youngest implausible fix, while an alert stands
    subject: str = ""  # of whom it was said


class MovementRule(Rule[MovementState, MovementSettings]):
    name = "implausible_movement"
    severity = Severity.LOW
    wants = (Position,)
    settings = MovementSettings
    state = MovementState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        return (said.device,) if isinstance(said, Position) else ()

    def step(self, key: str, state: MovementState | None, felt: Felt, town: Town) -> Verdict | None:
        if not isinstance(felt, Stored) or not isinstance(felt.reading, Position):
            return None
        state, said = state or MovementState(), felt.reading
        if said.mock:
            return self._judge(state, said, said.at, "mock", (seen("mock", said),), town)
        fix = good(said)
        if fix is None:
            return None
        limit = town.settings(self, town.subject_of(key)).km_per_hour
        is_over = state.last is not None and fix.at >= state.last + CALM
        if not is_over and follows(state.fixes, fix, limit):
            fixes = (*state.fixes[1 - KEPT :], fix)
            return Verdict(MovementState(fixes, state.last, state.subject), wake_at=STANDS)
        if is_told_twice(state.fixes, fix):
            return None
        bad = [pair for pair in pairs(state.fixes, fix) if km_per_hour(*pair) > limit]
        state = MovementState(woven(state.fixes, fix), state.last, state.subject)
        if not bad and state.last is None:
            return Verdict(state)
        wrong_at = max((younger.at for _, younger in bad), default=None)
        proof = evidence(key, *bad[0]) if bad else ()
        return self._judge(state, said, wrong_at, "too_fast", proof, town)

    def _judge(
        self,
        state: MovementState,
        said: Position,
        wrong_at: datetime | None,
        reason: str,
        proof: tuple[Evidence, ...],
        town: Town,
    ) -> Verdict:
        """Raise what is wrong and new, clear what has been calm; late evidence may do both."""
        findings: list[Finding] = []
        if wrong_at is not None and state.last is None:
            subject = town.subject_of(said.device)
            findings.append(self._raised(subject, said.device, reason, proof, town))
            state = MovementState(state.fixes, wrong_at, subject)
        last = max(at for at in (state.last, wrong_at) if at is not None)
        if not state.fixes or state.fixes[-1].at < last + CALM:
            return Verdict(MovementState(state.fixes, last, state.subject), tuple(findings))
        findings.append(self._cleared(state, said.device, town))
        return Verdict(MovementState(state.fixes), tuple(findings))

    def _raised(
        self,
        subject: str,
        device: str,
        reason: str,
        proof: tuple[Evidence, ...],
        town: Town,
    ) -> Finding:
        detail = f"a position of {device} ({subject}) {WRONGS[reason]}"
        return self.finding(
            "raised", subject, reason, detail, town=town, key=device, evidence=proof
        )

    def _cleared(self, state: MovementState, device: str, town: Town) -> Finding:
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


def good(said: Position) -> Fix | None:
    """The fix, where it is near enough to be true and has a time that can be trusted."""
    accuracy = said.accuracy or VAGUE
    if said.observed_at is None or said.clock == "quarantined" or accuracy > VAGUE:
        return None
    return Fix(said.observed_at, said.lat, said.lon, accuracy, said.id)


def follows(fixes: tuple[Fix, ...], fix: Fix, limit: float) -> bool:
    """Is it plain that a fix goes on from the last, no faster than `limit`? So it is for most:
    their way is short even if it went round the corner, along a meridian and a parallel."""
    if not fixes:
        return False
    last = fixes[-1]
    seconds = (fix.at - last.at).total_seconds()
    if seconds < APART.total_seconds():
        return False
    way = METRES_A_DEGREE * (abs(fix.lat - last.lat) + abs(fix.lon - last.lon))
    return (way - last.accuracy - fix.accuracy) * 3.6 < limit * seconds


def is_told_twice(fixes: tuple[Fix, ...], fix: Fix) -> bool:
    """Is there a fix of the same moment already?"""
    if fixes and fix.at - fixes[-1].at >= SAME:
        return False
    return any(abs(fix.at - kept.at) < SAME for kept in fixes)


def pairs(fixes: tuple[Fix, ...], fix: Fix) -> Iterator[tuple[Fix, Fix]]:
    """The fix with its neighbours in time that are far enough off to judge a speed by."""
    if fixes and fix.at - fixes[-1].at >= APART:  # most fixes come in their order
        yield fixes[-1], fix
        return
    place = bisect_left(fixes, fix.at, key=lambda kept: kept.at)
    before = (kept for kept in reversed(fixes[:place]) if fix.at - kept.at >= APART)
    after = (kept for kept in fixes[place:] if kept.at - fix.at >= APART)
    yield from ((kept, fix) for kept in [next(before, None)] if kept is not None)
    yield from ((fix, kept) for kept in [next(after, None)] if kept is not None)


def km_per_hour(one: Fix, other: Fix) -> float:
    """The least speed that explains both fixes, their accuracies taken off."""
    apart = metres(one.lat, one.lon, other.lat, other.lon) - one.accuracy - other.accuracy
    return max(apart, 0.0) / (other.at - one.at).total_seconds() * 3.6


def woven(fixes: tuple[Fix, ...], fix: Fix) -> tuple[Fix, ...]:
    """The fixes with one more in its place in time; the one farthest in time from it goes."""
    if len(fixes) == KEPT and fix.at >= fixes[-1].at:
        return (*fixes[1:], fix)
    place = bisect_left(fixes, fix.at, key=lambda kept: kept.at)
    if len(fixes) < KEPT:
        return (*fixes[:place], fix, *fixes[place:])
    oldest_goes = fix.at - fixes[0].at >= fixes[-1].at - fix.at
    kept = fixes[1:] if oldest_goes else fixes[:-1]
    place -= oldest_goes
    return (*kept[:place], fix, *kept[place:])


def evidence(device: str, *fixes: Fix) -> tuple[Evidence, ...]:
    """The fixes that contradict one another; where they are stays out of what is printed."""
    return tuple(Evidence(what="position", at=fix.at, device=device, id=fix.id) for fix in fixes)


IMPLAUSIBLE_MOVEMENT = MovementRule()
