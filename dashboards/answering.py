"""How quickly alarms are answered, on the lines that telecare services report. Pure.

97.5 % within 60 s and 99 % within 180 s (the figures of the TSA code of practice); each one later
than 180 s is named, because each has a cause.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from alerts.types import Alert, Severity

LINES = ((timedelta(seconds=60), 0.975), (timedelta(seconds=180), 0.99))
ALARMS = (Severity.LIFE, Severity.HIGH)


class Late(msgspec.Struct, frozen=True):
    """An alarm that waited longer than 180 s."""

    alert: str
    rule: str
    subject: str
    raised_at: datetime
    waited: timedelta  # until the answer, the end, or now
    answered: bool


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a period."""

    n: int = 0  # P1 and P2 raised, muted ones left out
    within_60: int = 0
    within_180: int = 0
    late: tuple[Late, ...] = ()  # worst first

    @property
    def misses_60(self) -> bool:
        """Whether the 60 s line is missed."""
        return self.within_60 < self.n * LINES[0][1]

    @property
    def misses_180(self) -> bool:
        """Whether the 180 s line is missed."""
        return self.within_180 < self.n * LINES[1][1]


def answering(alerts: Iterable[Alert], since: datetime, now: datetime) -> Answering:
    """P1 and P2 raised since then. One that is still within a line's time counts for it."""
    alarms = [
        alert
        for alert in alerts
        if alert.severity in ALARMS and alert.muted is None and alert.raised_at >= since
    ]
    waits = [(waited(alert, now), alert) for alert in alarms]
    late = sorted(
        (pair for pair in waits if pair[0] > LINES[1][0]), key=lambda pair: pair[0], reverse=True
    )
    return Answering(
        n=len(alarms),
        within_60=sum(wait <= LINES[0][0] for wait, _ in waits),
        within_180=sum(wait <= LINES[1][0] for wait, _ in waits),
        late=tuple(
            Late(
                alert.id,
                alert.rule,
                alert.subject,
                alert.raised_at,
                wait,
                alert.acked_at is not None,
            )
            for wait, alert in late
        ),
    )


def waited(alert: Alert, now: datetime) -> timedelta:
    """How long nobody answered: until the answer, until it ended by itself, or until now."""
    end = alert.acked_at or alert.resolved_at or alert.cleared_at or now
    return end - alert.raised_at
