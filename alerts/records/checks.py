"""How well paging works: answers, failed contacts, flaws, test presses. For `alerts.history`."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from psycopg.rows import scalar_row

from alerts.given.roster import roster_of
from alerts.records.standing import ladders, people, rotas
from alerts.rules.sos_pressed import SOS_PRESSED, SosState
from alerts.types import Alert, PlanSet, Severity
from alerts.watching.answering import Answering, answering
from alerts.watching.button_tests import ButtonTest, button_tests
from alerts.watching.lint import FailedContact, Flaw, lint
from devices.directory import Directory

_ALERT = msgspec.json.Decoder(Alert)


def paging_flaws(conn: psycopg.Connection, directory: Directory, now: datetime) -> list[Flaw]:
    """What is wrong with rotas, contacts and ladders, before an alert finds it out."""
    plans = PlanSet(
        people=tuple(people(conn)), rotas=tuple(rotas(conn)), ladders=tuple(ladders(conn))
    )
    roster = roster_of(directory, plans, ZoneInfo(directory.timezone))
    return lint(roster, now, failed_contacts(conn, now - timedelta(days=7)))


def failed_contacts(conn: psycopg.Connection, since: datetime) -> list[FailedContact]:
    """The contacts whose latest page due since then failed for good."""
    cursor = conn.execute(
        "SELECT * FROM (SELECT DISTINCT ON (person, body ->> 'contact') person,"
        " (body ->> 'contact')::int, due_at, coalesce(error, ''), state FROM page"
        " WHERE due_at >= %s AND state IN ('queued', 'sent', 'delivered', 'read', 'failed')"
        " ORDER BY person, body ->> 'contact', due_at DESC) AS latest WHERE state = 'failed'",
        (since,),
    )
    return [FailedContact(person, number, at, error) for person, number, at, error, _ in cursor]


def answers_between(
    conn: psycopg.Connection, since: datetime, until: datetime, *, severity: Severity | None = None
) -> list[Answering]:
    """How soon each alert raised in a stretch of time was answered, oldest first."""
    cursor = conn.execute(
        "SELECT a.body::text, min(p.sent_at), min(p.delivered_at) FROM alert a"
        " LEFT JOIN page p ON p.alert = a.id WHERE a.raised_at >= %s AND a.raised_at < %s"
        " AND (%s::text IS NULL OR a.severity = %s) GROUP BY a.id ORDER BY a.raised_at, a.id",
        (since, until, severity, severity),
    )
    return [answering(_ALERT.decode(body), sent, arrived) for body, sent, arrived in cursor]


def button_tests_of(conn: psycopg.Connection, directory: Directory) -> list[ButtonTest]:
    """Every SOS button and its last test press, never tested ones first."""
    bodies = conn.cursor(row_factory=scalar_row).execute(
        "SELECT body FROM rule_state WHERE rule = %s", (SOS_PRESSED.name,), binary=True
    )
    tested: dict[str, datetime] = {}
    for body in bodies:
        tested |= msgspec.msgpack.decode(body, type=SosState).tested
    return button_tests(directory, tested)
