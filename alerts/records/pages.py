"""Pages and what became of them, read from the table. A part of `alerts.history`."""

from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import class_row

from alerts.types import Page, PageState

_PAGE = msgspec.json.Decoder(Page)


class PageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A page and what became of it."""

    page: Page
    state: PageState
    attempts: int
    sent_at: datetime | None
    delivered_at: datetime | None
    error: str | None  # what the channel said when it failed


def pages_of(conn: psycopg.Connection, alert_id: str) -> list[PageRecord]:
    """Return the pages of one alert, in the order they were due."""
    return _pages(conn, "alert = %s", (alert_id,))


def held_pages(conn: psycopg.Connection) -> list[PageRecord]:
    """Return the pages that the rate limit holds back now, longest waiting first."""
    return _pages(conn, "state = %s", ("held",))


def page(conn: psycopg.Connection, id: str) -> PageRecord | None:
    """Return one page, or None."""
    found = _pages(conn, "id = %s", (id,))
    return found[0] if found else None


def pages_between(conn: psycopg.Connection, since: datetime, until: datetime) -> list[PageRecord]:
    """Return the pages due in a stretch of time, in that order."""
    return _pages(conn, "due_at >= %s AND due_at < %s", (since, until))


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
