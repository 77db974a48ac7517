"""Time that does not count because a client is known to be away."""

from datetime import datetime, timedelta

from alerts.town.town import Town
from devices.directory import Away
from devices.subject import Subject


def overdue_at(last: datetime, limit: timedelta, subject: str, town: Town) -> datetime:
    """Return when the limit is over for "client:c-1", counted anew after each absence in it.

    Somebody who was in hospital for the last hour of a day has not been inactive for that day;
    an absence that has begun by now counts also if the limit was over before.
    """
    for absence in sorted(away_of(subject, town), key=lambda one: one.from_):
        begins_in_time = absence.from_ < last + limit or absence.from_ <= town.now
        if begins_in_time and absence.until > last:
            last = absence.until
    return last + limit


def away_of(subject: str, town: Town) -> tuple[Away, ...]:
    """Return the absences of a client."""
    client = town.directory.client_of(Subject.parse(subject))
    return client.away if client is not None else ()


def is_away(subject: str, town: Town) -> bool:
    """Return True if the client is known to be away now."""
    return any(one.from_ <= town.now < one.until for one in away_of(subject, town))
