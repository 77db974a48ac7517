"""Visits as the evidence shows them, read from the tables. A part of `alerts.history`."""

from datetime import datetime

import msgspec
import psycopg

from alerts.records.rows import bodies
from alerts.types import VisitRecord

_VISIT = msgspec.json.Decoder(VisitRecord)


def visit(conn: psycopg.Connection, id: str) -> VisitRecord | None:
    """Return one visit as it stands now, or None."""
    rows = bodies(conn, "SELECT body::text FROM visit WHERE id = %s", (id,))
    return _VISIT.decode(rows[0]) if rows else None


def visit_revisions(conn: psycopg.Connection, id: str) -> list[tuple[datetime, VisitRecord]]:
    """Return what a visit was thought to be, and since when; oldest first."""
    cursor = conn.execute(
        "SELECT at, body::text FROM visit_revision WHERE id = %s ORDER BY revision", (id,)
    )
    return [(at, _VISIT.decode(body)) for at, body in cursor]


def visits_between(conn: psycopg.Connection, since: datetime, until: datetime) -> list[VisitRecord]:
    """Return the visits whose window starts in a stretch of time, by start."""
    rows = bodies(
        conn,
        "SELECT body::text FROM visit WHERE start >= %s AND start < %s ORDER BY start, id",
        (since, until),
    )
    return [_VISIT.decode(row) for row in rows]
