"""When to judge what came late."""

from datetime import datetime, timedelta

# Buffered messages come one behind the other: an opening of this morning has its closing close
# behind it. A verdict that would be due at once waits so long for the neighbours. Our choice.
SETTLE = timedelta(minutes=2)


def judged_at(due: datetime, now: datetime) -> datetime:
    """Return `due`, or a little later than now where that is past, so that no backlog flickers."""
    return due if due >= now else now + SETTLE


def came_late(fact_at: datetime, raised_at: datetime | None) -> bool:
    """Return True for a fact of before the alert that only came after it."""
    return raised_at is not None and fact_at < raised_at
