"""What is stored of a stretch of the past: the town as it was then, and everything since."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge

import psycopg

from alerts.lanes.feed import towns_between
from alerts.plans.undoing import undo
from alerts.town.town import Town
from alerts.types import Stored, TownChanged
from ingest.history import replay


def town_before(conn: psycopg.Connection, town: Town, arrival: int) -> None:
    """Take the town as it stands back to where it was at an arrival number."""
    later = towns_between(conn, arrival)
    undo(town, later, towns_between(conn, 0, arrival) if later else [])


def town_at(conn: psycopg.Connection, town: Town, moment: datetime) -> list[TownChanged]:
    """Take the town as it stands back to a moment. Returns the changes since, in order."""
    towns = towns_between(conn, 0)
    later = [change for change in towns if change.at > moment]
    undo(town, later, [change for change in towns if change.at <= moment])
    return later


def stimuli_between(
    conn: psycopg.Connection, since: datetime, until: datetime, towns: Iterable[TownChanged]
) -> Iterator[Stored | TownChanged]:
    """Return the readings received from `since` to before `until` and the town's changes till then.

    They come in the one order. `conn` serves nothing else until the end.
    """
    stored = (Stored(*row) for row in replay(conn, since, until))
    changes = (change for change in towns if change.at < until)
    return merge(stored, changes, key=lambda stimulus: stimulus.arrival)
