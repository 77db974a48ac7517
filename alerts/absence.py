"""Time that does not count because a client is known to be away."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from alerts.known import Known
from devices.directory import Away


def counts_from(last: datetime, limit: timedelta, away: Iterable[Away]) -> datetime:
    """From when the limit counts anew: after the last absence that cut into it.

    Somebody who was in hospital for the last hour of a day has not been inactive for that day.
    """
    for absence in sorted(away, key=lambda one: one.from_):
        if absence.from_ < last + limit and absence.until > last:
            last = absence.until
    return last


def away_of(subject: str, known: Known) -> tuple[Away, ...]:
    """The absences of "client:c-1"."""
    client = known.directory.clients.get(subject.removeprefix("client:"))
    return client.away if client is not None else ()


def is_away(subject: str, known: Known) -> bool:
    """Is the client known to be away now?"""
    return any(one.from_ <= known.now < one.until for one in away_of(subject, known))
