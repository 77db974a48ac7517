"""How soon people answered: raise -> sent -> delivered -> answered -> arrived -> resolved. Pure.

Telecare practice (TSA): 97.5 % of alarms answered within 60 s, 99 % within 180 s; each answered
later is looked into one by one. An alert nobody has answered counts with its age so far.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from alerts.types import Alert, Severity

SOON, LATE = 60.0, 180.0  # seconds
SOON_AIM, LATE_AIM = 0.975, 0.99  # shares


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """One alert's way to an answer. None: not (yet)."""

    alert: str
    rule: str
    subject: str
    severity: Severity
    area: str | None
    raised_at: datetime
    sent_at: datetime | None  # the first page left
    delivered_at: datetime | None  # the first page arrived
    answered_at: datetime | None
    answered_by: str | None
    arrived_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None  # resolved, or cleared by itself
    outcome: str | None

    def waited(self, now: datetime) -> float:
        """Return seconds from the raise to the answer; while there is none, the age so far."""
        return ((self.answered_at or self.closed_at or now) - self.raised_at).total_seconds()


class Load(msgspec.Struct, frozen=True):
    """What one person has answered."""

    person: str
    answered: int
    soon: int  # of these, within 60 s


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a stretch of time. Shares are 0-1, times are seconds, medians by rank."""

    alerts: int
    answered: int
    within_60: float | None  # None: no alerts
    within_180: float | None
    sent_median: float | None
    delivered_median: float | None
    answered_median: float | None
    arrived_median: float | None
    resolved_median: float | None
    late: tuple[Answering, ...]  # over 180 s, the longest first
    false_alarms: float | None = None  # share of those a person has resolved; None: none was
    by_person: tuple[Load, ...] = ()  # who answered most comes first


def answering(alert: Alert, sent_at: datetime | None, delivered_at: datetime | None) -> Answering:
    """Return one alert's times.

    The first answer counts, also where the alert climbed again after it.
    """
    answers = [line for line in alert.story if line.what in ("acknowledged", "arrived")]
    first = answers[0] if answers else None
    if first is None and alert.resolved_at is not None:
        first = next((line for line in alert.story if line.what == "resolved"), None)
    return Answering(
        alert=alert.id,
        rule=alert.rule,
        subject=alert.subject,
        severity=alert.severity,
        area=alert.area,
        raised_at=alert.raised_at,
        sent_at=sent_at,
        delivered_at=delivered_at,
        answered_at=first.at if first else None,
        answered_by=first.who if first else None,
        arrived_at=alert.arrived_at,
        resolved_at=alert.resolved_at,
        closed_at=alert.resolved_at or alert.cleared_at,
        outcome=alert.outcome,
    )


def answers(cases: Sequence[Answering], now: datetime) -> Answers:
    """Return the figures over these alerts."""
    late = [case for case in cases if case.waited(now) > LATE]
    return Answers(
        alerts=len(cases),
        answered=sum(case.answered_at is not None for case in cases),
        within_60=_share(cases, SOON),
        within_180=_share(cases, LATE),
        sent_median=_median(cases, "sent_at"),
        delivered_median=_median(cases, "delivered_at"),
        answered_median=_median(cases, "answered_at"),
        arrived_median=_median(cases, "arrived_at"),
        resolved_median=_median(cases, "resolved_at"),
        late=tuple(sorted(late, key=lambda case: -case.waited(now))),
        false_alarms=_false_alarms(cases),
        by_person=_loads(cases),
    )


def _false_alarms(cases: Iterable[Answering]) -> float | None:
    outcomes = [case.outcome for case in cases if case.outcome]
    return outcomes.count("false_alarm") / len(outcomes) if outcomes else None


def _loads(cases: Iterable[Answering]) -> tuple[Load, ...]:
    every, soon = Counter[str](), Counter[str]()
    for case in cases:
        if case.answered_by is not None and case.answered_at is not None:
            every[case.answered_by] += 1
            soon[case.answered_by] += case.waited(case.answered_at) <= SOON
    return tuple(Load(person, count, soon[person]) for person, count in every.most_common())


def _share(cases: Sequence[Answering], seconds: float) -> float | None:
    """Return how many were answered within so long, of all that were raised."""
    if not cases:
        return None
    soon = (
        case.answered_at is not None and case.waited(case.answered_at) <= seconds for case in cases
    )
    return sum(soon) / len(cases)


def _median(cases: Iterable[Answering], what: str) -> float | None:
    moments = ((case.raised_at, getattr(case, what)) for case in cases)
    times = sorted((at - raised).total_seconds() for raised, at in moments if at is not None)
    return times[len(times) // 2] if times else None
