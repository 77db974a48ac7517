"""What is wrong with rotas, contacts and ladders, and since when the daily check has seen it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from psycopg.rows import scalar_row

from alerts.figures.lint import FailedContact, Flaw, lint, seen_since
from alerts.plans.roster import roster_of
from alerts.records.standing import ladders, people, rotas
from alerts.types import PlanSet
from devices.directory import Directory

FAILED_WITHIN = timedelta(days=7)  # a contact that was not used since is not judged
_flaws = msgspec.json.Decoder(tuple[Flaw, ...])


def paging_flaws(conn: psycopg.Connection, directory: Directory, now: datetime) -> list[Flaw]:
    """Return what is wrong at this moment, before an alert finds it out."""
    plans = PlanSet(
        people=tuple(people(conn)), rotas=tuple(rotas(conn)), ladders=tuple(ladders(conn))
    )
    roster = roster_of(directory, plans, ZoneInfo(directory.timezone))
    found = lint(roster, now, failed_contacts(conn, now - FAILED_WITHIN))
    return seen_since(found, _last_found(conn))


def check_paging(conn: psycopg.Connection, directory: Directory, now: datetime) -> list[Flaw]:
    """Make the daily check, and keep what is wrong with when it was first seen."""
    found = paging_flaws(conn, directory, now)
    kept = [msgspec.structs.replace(flaw, since=flaw.since or now) for flaw in found]
    conn.execute(
        "INSERT INTO paging_lint (checked_at, flaws) VALUES (%s, %s::jsonb)"
        " ON CONFLICT (one) DO UPDATE SET checked_at = excluded.checked_at, flaws = excluded.flaws",
        (now, msgspec.json.encode(kept).decode()),
    )
    return kept


def paging_checked_at(conn: psycopg.Connection) -> datetime | None:
    """Return when the daily check was last made; None: never."""
    found = conn.cursor(row_factory=scalar_row).execute("SELECT checked_at FROM paging_lint")
    return found.fetchone()


def failed_contacts(conn: psycopg.Connection, since: datetime) -> list[FailedContact]:
    """Return the contacts whose latest page due since then failed for good."""
    cursor = conn.execute(
        "SELECT * FROM (SELECT DISTINCT ON (person, body ->> 'contact') person,"
        " (body ->> 'contact')::int, due_at, coalesce(error, ''), state FROM page"
        " WHERE due_at >= %s AND state IN ('queued', 'sent', 'delivered', 'read', 'failed')"
        " ORDER BY person, body ->> 'contact', due_at DESC) AS latest WHERE state = 'failed'",
        (since,),
    )
    return [FailedContact(person, number, at, error) for person, number, at, error, _ in cursor]


def _last_found(conn: psycopg.Connection) -> tuple[Flaw, ...]:
    found = conn.cursor(row_factory=scalar_row).execute("SELECT flaws::text FROM paging_lint")
    return _flaws.decode(found.fetchone() or "[]")
