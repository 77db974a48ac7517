"""How well paging works: answers and test presses. For `alerts.history`."""

from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import scalar_row

from alerts.figures.answering import Answering, answering
from alerts.figures.button_tests import ButtonTest, button_tests
from alerts.rules.sos_pressed import SOS_PRESSED, SosState
from alerts.types import Alert, Severity
from devices.directory import Directory

_ALERT = msgspec.json.Decoder(Alert)


def answers_between(
    conn: psycopg.Connection, since: datetime, until: datetime, *, severity: Severity | None = None
) -> list[Answering]:
    """Return how soon each alert raised in a stretch of time was answered, oldest first."""
    cursor = conn.execute(
        "SELECT a.body::text, min(p.sent_at), min(p.delivered_at) FROM alert a"
        " LEFT JOIN page p ON p.alert = a.id WHERE a.raised_at >= %s AND a.raised_at < %s"
        " AND (%s::text IS NULL OR a.severity = %s) GROUP BY a.id ORDER BY a.raised_at, a.id",
        (since, until, severity, severity),
    )
    return [answering(_ALERT.decode(body), sent, arrived) for body, sent, arrived in cursor]


def button_tests_of(conn: psycopg.Connection, directory: Directory) -> list[ButtonTest]:
    """Return every SOS button and its last test press, never tested ones first."""
    bodies = conn.cursor(row_factory=scalar_row).execute(
        "SELECT body FROM rule_state WHERE rule = %s", (SOS_PRESSED.name,), binary=True
    )
    tested: dict[str, datetime] = {}
    for body in bodies:
        tested |= msgspec.msgpack.decode(body, type=SosState).tested
    return button_tests(directory, tested)
