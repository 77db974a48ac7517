"""What alerts has concluded, read for pages, reports and the command line. Reads only.

The one door to it: row in, value out, no dict crosses it. All times are aware UTC.
"""

from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import scalar_row

from alerts.figures.answering import LATE, Answering, Answers, answers
from alerts.figures.button_tests import ButtonTest
from alerts.figures.flood import causes, flooding, is_flood, stale, stale_before
from alerts.figures.lint import FailedContact, Flaw
from alerts.records.checks import answers_between, button_tests_of
from alerts.records.lint import failed_contacts, paging_checked_at, paging_flaws
from alerts.records.pages import PageRecord, held_pages, page, pages_between, pages_of
from alerts.records.rows import bodies
from alerts.records.rulebook import RuleCard, rulebook
from alerts.records.standing import (
    LaneBeat,
    Turn,
    ladders,
    lane_beats,
    mutes,
    people,
    rotas,
    turns,
)
from alerts.records.visits import visit, visit_revisions, visits_between
from alerts.types import WRITTEN_BY_RULES, Alert, Finding, StoryLine, VisitRecord

__all__ = (
    "LATE",
    "AlertFilter",
    "Answering",
    "Answers",
    "ButtonTest",
    "Changes",
    "FailedContact",
    "Flaw",
    "LaneBeat",
    "PageRecord",
    "RuleCard",
    "Turn",
    "alert",
    "alerts",
    "answers",
    "answers_between",
    "button_tests_of",
    "causes",
    "changed_since",
    "failed_contacts",
    "findings_between",
    "findings_of",
    "flooding",
    "held_pages",
    "is_flood",
    "ladders",
    "lane_beats",
    "last_change",
    "mutes",
    "open_alerts",
    "page",
    "pages_between",
    "pages_of",
    "paging_checked_at",
    "paging_flaws",
    "people",
    "rotas",
    "rulebook",
    "stale",
    "stale_before",
    "story",
    "turns",
    "visit",
    "visit_revisions",
    "visits_between",
)

_ALERT = msgspec.json.Decoder(Alert)
_FINDING = msgspec.json.Decoder(Finding)
_VISIT = msgspec.json.Decoder(VisitRecord)


class AlertFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts to list; None is no condition."""

    states: tuple[str, ...] | None = None  # open acknowledged resolved cleared
    rule: str | None = None
    subject: str | None = None
    areas: tuple[str, ...] | None = None  # exactly these: the caller adds all below
    agency: str | None = None
    since: datetime | None = None  # raised at or after
    until: datetime | None = None  # raised before
    limit: int = 1000


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts and visits as they are now, of those changed since a number."""

    last: int  # ask with this next time
    alerts: tuple[Alert, ...] = ()
    visits: tuple[VisitRecord, ...] = ()


def open_alerts(conn: psycopg.Connection) -> list[Alert]:
    """Return every alert that is open or acknowledged, oldest first."""
    return alerts(conn, AlertFilter(states=("open", "acknowledged"), limit=100_000))


def alert(conn: psycopg.Connection, id: str) -> Alert | None:
    """Return one alert with its story, or None."""
    rows = bodies(conn, "SELECT body::text FROM alert WHERE id = %s", (id,))
    return _ALERT.decode(rows[0]) if rows else None


def story(conn: psycopg.Connection, id: str) -> tuple[StoryLine, ...]:
    """Return the lines of one alert's story, oldest first; empty where there is no such alert."""
    found = alert(conn, id)
    return found.story if found else ()


def alerts(conn: psycopg.Connection, wanted: AlertFilter) -> list[Alert]:
    """Return the alerts that fit, oldest first; the newest `limit` of them."""
    rows = bodies(
        conn,
        """
        SELECT body::text FROM alert
        WHERE (%(states)s::text[] IS NULL OR state = ANY(%(states)s))
          AND (%(rule)s::text IS NULL OR rule = %(rule)s)
          AND (%(subject)s::text IS NULL OR subject = %(subject)s)
          AND (%(areas)s::text[] IS NULL OR area = ANY(%(areas)s))
          AND (%(agency)s::text IS NULL OR agency = %(agency)s)
          AND (%(since)s::timestamptz IS NULL OR raised_at >= %(since)s)
          AND (%(until)s::timestamptz IS NULL OR raised_at < %(until)s)
        ORDER BY raised_at DESC, id DESC LIMIT %(limit)s
        """,
        {
            "states": list(wanted.states) if wanted.states is not None else None,
            "rule": wanted.rule,
            "subject": wanted.subject,
            "areas": list(wanted.areas) if wanted.areas is not None else None,
            "agency": wanted.agency,
            "since": wanted.since,
            "until": wanted.until,
            "limit": wanted.limit,
        },
    )
    return [_ALERT.decode(row) for row in reversed(rows)]


def findings_between(
    conn: psycopg.Connection, since: datetime, until: datetime
) -> list[tuple[Finding, str | None]]:
    """Return every finding made in a stretch of time, in order, with the id of its alert."""
    cursor = conn.execute(
        "SELECT body::text, alert FROM finding WHERE at >= %s AND at < %s ORDER BY n",
        (since, until),
    )
    return [(_FINDING.decode(body), alert_id) for body, alert_id in cursor]


def findings_of(conn: psycopg.Connection, alert: Alert) -> list[Finding]:
    """Return the findings that an alert's story tells of, in order."""
    rows = bodies(
        conn,
        "SELECT body::text FROM finding WHERE at = ANY(%s) AND alert = %s ORDER BY n",
        ([line.at for line in alert.story if line.what in WRITTEN_BY_RULES], alert.id),
    )
    return [_FINDING.decode(row) for row in rows]


def last_change(conn: psycopg.Connection) -> int:
    """Return the number to follow changes from, after a first whole reading made later."""
    number = conn.cursor(row_factory=scalar_row).execute(
        "SELECT greatest((SELECT max(changed) FROM alert), (SELECT max(changed) FROM visit), 0)"
    )
    return int(number.fetchone() or 0)


def changed_since(conn: psycopg.Connection, last: int, *, limit: int = 5000) -> Changes:
    """Return alerts and visits changed after number `last`, at most `limit`; ask again from
    `.last`.

    NOTIFY `changed` hints that asking is worth while; poll as well.
    """
    cursor = conn.execute(
        """
        (SELECT changed, 'alert', body::text FROM alert
         WHERE changed > %(last)s ORDER BY changed LIMIT %(limit)s)
        UNION ALL
        (SELECT changed, 'visit', body::text FROM visit
         WHERE changed > %(last)s ORDER BY changed LIMIT %(limit)s)
        ORDER BY 1 LIMIT %(limit)s
        """,
        {"last": last, "limit": limit},
    )
    rows = cursor.fetchall()
    return Changes(
        last=rows[-1][0] if rows else last,
        alerts=tuple(_ALERT.decode(body) for _, what, body in rows if what == "alert"),
        visits=tuple(_VISIT.decode(body) for _, what, body in rows if what == "visit"),
    )
