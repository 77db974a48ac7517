"""What alerts has concluded, read for pages, reports and the command line. Reads only.

Row in, value out: no dict crosses this door. All times are aware UTC.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from psycopg.rows import class_row, scalar_row

from alerts.answering import Answering, Answers, answering, answers
from alerts.button_tests import ButtonTest, button_tests
from alerts.lint import FailedContact, Flaw, lint
from alerts.roster import roster_of
from alerts.rota import shifts
from alerts.rulebook import RuleCard, rulebook
from alerts.rules.sos_pressed import SOS_PRESSED, SosState
from alerts.types import (
    Alert,
    Finding,
    Ladder,
    Muted,
    Page,
    PageState,
    PlanSet,
    Rota,
    RuleScope,
    Severity,
    Staff,
    StoryLine,
    VisitRecord,
)
from devices.directory import Directory

__all__ = (
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
    "changed_since",
    "failed_contacts",
    "findings_between",
    "held_pages",
    "ladders",
    "lane_beats",
    "last_change",
    "mutes",
    "open_alerts",
    "page",
    "pages_between",
    "pages_of",
    "paging_flaws",
    "people",
    "rotas",
    "rule_settings",
    "rulebook",
    "story",
    "turns",
    "visit",
    "visit_revisions",
    "visits_between",
)


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


class PageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A page and what became of it."""

    page: Page
    state: PageState
    attempts: int
    sent_at: datetime | None
    delivered_at: datetime | None
    error: str | None  # what the channel said when it failed


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts and visits as they are now, of those changed since a number."""

    last: int  # ask with this next time
    alerts: tuple[Alert, ...] = ()
    visits: tuple[VisitRecord, ...] = ()


class LaneBeat(msgspec.Struct, frozen=True):
    """How far an engine has come."""

    lane: str  # life | main
    clock: datetime  # the engine's moment
    renewed_at: datetime  # when it last said that it is alive


class Turn(msgspec.Struct, frozen=True):
    """Who is on call by one rota, until when, and who follows; None is nobody."""

    rota: str
    person: str | None
    until: datetime
    next_person: str | None


def open_alerts(conn: psycopg.Connection) -> list[Alert]:
    """Every alert that is open or acknowledged, oldest first."""
    return alerts(conn, AlertFilter(states=("open", "acknowledged"), limit=100_000))


def alert(conn: psycopg.Connection, id: str) -> Alert | None:
    """One alert with its story, or None."""
    rows = _bodies(conn, "SELECT body::text FROM alert WHERE id = %s", (id,))
    return _ALERT.decode(rows[0]) if rows else None


def story(conn: psycopg.Connection, id: str) -> tuple[StoryLine, ...]:
    """The lines of one alert's story, oldest first; empty where there is no such alert."""
    found = alert(conn, id)
    return found.story if found else ()


def alerts(conn: psycopg.Connection, wanted: AlertFilter) -> list[Alert]:
    """The alerts that fit, oldest first; the newest `limit` of them."""
    rows = _bodies(
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


def pages_of(conn: psycopg.Connection, alert_id: str) -> list[PageRecord]:
    """The pages of one alert, in the order they were due."""
    return _pages(conn, "alert = %s", (alert_id,))


def held_pages(conn: psycopg.Connection) -> list[PageRecord]:
    """The pages that the rate limit holds back now, longest waiting first."""
    return _pages(conn, "state = %s", ("held",))


def page(conn: psycopg.Connection, id: str) -> PageRecord | None:
    """One page, or None."""
    found = _pages(conn, "id = %s", (id,))
    return found[0] if found else None


def pages_between(conn: psycopg.Connection, since: datetime, until: datetime) -> list[PageRecord]:
    """The pages due in a stretch of time, in that order."""
    return _pages(conn, "due_at >= %s AND due_at < %s", (since, until))


def findings_between(
    conn: psycopg.Connection, since: datetime, until: datetime
) -> list[tuple[Finding, str | None]]:
    """Every finding made in a stretch of time, in order, with the id of its alert."""
    cursor = conn.execute(
        "SELECT body::text, alert FROM finding WHERE at >= %s AND at < %s ORDER BY n",
        (since, until),
    )
    return [(_FINDING.decode(body), alert_id) for body, alert_id in cursor]


def visit(conn: psycopg.Connection, id: str) -> VisitRecord | None:
    """One visit as it stands now, or None."""
    rows = _bodies(conn, "SELECT body::text FROM visit WHERE id = %s", (id,))
    return _VISIT.decode(rows[0]) if rows else None


def visit_revisions(conn: psycopg.Connection, id: str) -> list[tuple[datetime, VisitRecord]]:
    """What a visit was thought to be, and since when; oldest first."""
    cursor = conn.execute(
        "SELECT at, body::text FROM visit_revision WHERE id = %s ORDER BY revision", (id,)
    )
    return [(at, _VISIT.decode(body)) for at, body in cursor]


def visits_between(conn: psycopg.Connection, since: datetime, until: datetime) -> list[VisitRecord]:
    """The visits whose window starts in a stretch of time, by start."""
    rows = _bodies(
        conn,
        "SELECT body::text FROM visit WHERE start >= %s AND start < %s ORDER BY start, id",
        (since, until),
    )
    return [_VISIT.decode(row) for row in rows]


def mutes(conn: psycopg.Connection, now: datetime) -> list[Muted]:
    """The mutes in force at a moment, soonest to end first."""
    rows = _bodies(conn, "SELECT body::text FROM mute WHERE until > %s ORDER BY until, id", (now,))
    return [_MUTED.decode(row) for row in rows]


def people(conn: psycopg.Connection) -> list[Staff]:
    """Everybody who is paged or signs in, by id."""
    return [
        _STAFF.decode(row) for row in _bodies(conn, "SELECT body::text FROM staff ORDER BY id", ())
    ]


def rotas(conn: psycopg.Connection) -> list[Rota]:
    """The rotas in force, by id."""
    return [
        _ROTA.decode(row) for row in _bodies(conn, "SELECT body::text FROM rota ORDER BY id", ())
    ]


def turns(conn: psycopg.Connection, now: datetime, zone: ZoneInfo) -> list[Turn]:
    """Who is on call at a moment and who is next, by rota; looks a fortnight ahead."""
    found = []
    for rota in rotas(conn):
        current, *later = shifts(rota, now, now + timedelta(days=15), zone)
        following = later[0].person if later else current.person
        found.append(Turn(rota.id, current.person, current.until, following))
    return found


def ladders(conn: psycopg.Connection) -> list[Ladder]:
    """The ladders, in the order in which they are tried."""
    return [
        msgspec.json.decode(body, type=Ladder)
        for body in _bodies(conn, "SELECT body::text FROM ladder ORDER BY position", ())
    ]


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


def rule_settings(
    conn: psycopg.Connection,
) -> tuple[dict[str, dict[str, object]], tuple[RuleScope, ...]]:
    """What the town sets: for all, and for parts of it; what it does not set keeps its default."""
    row = conn.execute("SELECT rules::text, rules_for::text FROM rule_setting").fetchone()
    rules, scopes = row or ("{}", "[]")
    return _RULES.decode(rules), _SCOPES.decode(scopes)


def lane_beats(conn: psycopg.Connection) -> list[LaneBeat]:
    """Each engine lane's clock, and when it was last heard of."""
    cursor = conn.cursor(row_factory=class_row(LaneBeat))
    return cursor.execute(
        "SELECT lane, clock, renewed_at FROM checkpoint"
        " WHERE clock > '-infinity' ORDER BY lane"  # a lane that has yet to begin
    ).fetchall()


def last_change(conn: psycopg.Connection) -> int:
    """The number to follow changes from, after a first whole reading made later."""
    number = conn.cursor(row_factory=scalar_row).execute(
        "SELECT greatest((SELECT max(changed) FROM alert), (SELECT max(changed) FROM visit), 0)"
    )
    return int(number.fetchone() or 0)


def changed_since(conn: psycopg.Connection, last: int, *, limit: int = 5000) -> Changes:
    """Alerts and visits changed after number `last`, at most `limit`; ask again from `.last`.

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


_ALERT = msgspec.json.Decoder(Alert)
_PAGE = msgspec.json.Decoder(Page)
_FINDING = msgspec.json.Decoder(Finding)
_VISIT = msgspec.json.Decoder(VisitRecord)
_MUTED = msgspec.json.Decoder(Muted)
_STAFF = msgspec.json.Decoder(Staff)
_ROTA = msgspec.json.Decoder(Rota)
_RULES = msgspec.json.Decoder(dict[str, dict[str, object]])
_SCOPES = msgspec.json.Decoder(tuple[RuleScope, ...])


class _PageRow(msgspec.Struct, frozen=True):
    body: str
    state: PageState
    attempts: int
    sent_at: datetime | None
    delivered_at: datetime | None
    error: str | None


def _pages(conn: psycopg.Connection, where: str, values: tuple[object, ...]) -> list[PageRecord]:
    sql = (
        "SELECT body::text, state, attempts, sent_at, delivered_at, error FROM page"
        f" WHERE {where} ORDER BY due_at, id"
    )
    cursor = conn.cursor(row_factory=class_row(_PageRow))
    return [
        PageRecord(
            page=_PAGE.decode(row.body),
            state=row.state,
            attempts=row.attempts,
            sent_at=row.sent_at,
            delivered_at=row.delivered_at,
            error=row.error,
        )
        for row in cursor.execute(sql.encode(), values)
    ]


def _bodies(
    conn: psycopg.Connection, sql: str, values: tuple[object, ...] | dict[str, object]
) -> list[str]:
    return conn.cursor(row_factory=scalar_row).execute(sql.encode(), values).fetchall()
