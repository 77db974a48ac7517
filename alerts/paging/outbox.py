"""The pages waiting to be sent: claiming them, and writing down what became of them.

A page is claimed by one sender for the length of a lease. If the sender dies between sending
and writing down, the page is sent again: at most once more, under the same id.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
import psycopg

from alerts.cases.lifecycle import ACTIVE
from alerts.cases.relief import OFF_DUTY
from alerts.channels.notice import SendResult
from alerts.inbox import append
from alerts.paging.bundling import Sending, Waiting
from alerts.paging.notices import Claimed
from alerts.types import Alert, Page, Receipt, ReceiptState, Severity

LEASE = timedelta(seconds=15)  # longer than any channel takes to answer
RETRIES = {True: (1, 2, 4, 8), False: (5, 20, 60, 180)}  # seconds before each; True: life
AT_ONCE = 5000  # pages looked at together

_alert = msgspec.json.Decoder(Alert)
_page = msgspec.json.Decoder(Page)


class Claimer(msgspec.Struct, frozen=True):
    """Who takes pages, and when. The claims of another process count for nothing: it is gone."""

    name: str  # of one process, for as long as it is at work
    now: datetime


class PageResult(msgspec.Struct, frozen=True):
    """What a channel answered for one claimed page."""

    claimed: Claimed
    answer: SendResult
    at: datetime


def claim_life(
    conn: psycopg.Connection, by: Claimer, *, limit: int, except_for: Collection[str]
) -> list[Claimed]:
    """Take the life pages that are due, oldest first. Those answered meanwhile are called off."""
    cursor = conn.execute(
        "UPDATE page p SET state = 'sending', claimed_at = %(now)s, claimed_by = %(name)s,"
        " attempts = attempts + 1 FROM alert a, (SELECT id FROM page WHERE severity = 'life'"
        " AND id <> ALL(%(in_hand)s) AND ((state = 'due' AND due_at <= %(now)s)"
        " OR (state = 'sending'"
        "     AND (claimed_at < %(lapsed)s OR claimed_by IS DISTINCT FROM %(name)s)))"
        " ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS due"
        " WHERE p.id = due.id AND a.id = p.alert"
        " RETURNING p.body::text, p.attempts, a.body::text",
        {
            "now": by.now,
            "name": by.name,
            "lapsed": by.now - LEASE,
            "in_hand": list(except_for),
            "limit": limit,
        },
    )
    claimed = [_claimed(*row) for row in cursor]
    claimed.sort(key=lambda one: (one.waiting.page.due_at, one.waiting.page.id))
    return _still_wanted(conn, claimed)


def claim_others(
    conn: psycopg.Connection,
    by: Claimer,
    choose: Callable[[list[Waiting], Sequence[datetime]], Sending],
    *,
    except_for: Collection[str],
) -> list[tuple[Claimed, ...]]:
    """Take what leaves now, one tuple a message; the rest of what is due is marked as held.

    `choose` sorts one person's pages, given when that person's messages of the last ten minutes
    were sent. People in `except_for` have a message on its way: theirs wait for it.
    """
    with conn.transaction():
        due = _due(conn, by, except_for)
        wanted = {one.waiting.page.id: one for one in _still_wanted(conn, due)}
        people: dict[str, list[Waiting]] = {}
        for one in wanted.values():
            people.setdefault(one.waiting.page.person, []).append(one.waiting)
        recent = _recent_messages(conn, people, by.now)
        chosen = [choose(theirs, recent.get(person, [])) for person, theirs in people.items()]
        _hold(conn, [waiting for sending in chosen for waiting in sending.held])
        messages = [
            tuple(wanted[waiting.page.id] for waiting in message)
            for sending in chosen
            for message in sending.messages
        ]
        _claim(conn, [one for message in messages for one in message], by)
    return messages


def record(conn: psycopg.Connection, results: Iterable[PageResult]) -> None:
    """Write down what channels answered: the page's row and a receipt in the inbox, at once."""
    with conn.transaction():
        for result in results:
            state = _write(conn, result)
            receipt = Receipt(
                at=result.at,
                page=result.claimed.waiting.page.id,
                state=state,
                detail=result.answer.detail,
            )
            append(conn, receipt)


def oldest_unsent(conn: psycopg.Connection, now: datetime) -> tuple[datetime, bool] | None:
    """Return when the oldest page due and not sent was due, and whether any such is a life page."""
    row = conn.execute(
        "SELECT min(due_at), bool_or(severity = 'life') FROM page"
        " WHERE state IN ('due', 'sending') AND due_at <= %s",
        (now,),
    ).fetchone()
    return (row[0], bool(row[1])) if row and row[0] else None


def _due(conn: psycopg.Connection, by: Claimer, except_for: Collection[str]) -> list[Claimed]:
    """Return the pages of other than life alerts that are due, locked for this transaction."""
    cursor = conn.execute(
        "SELECT p.body::text, p.attempts + 1, a.body::text"
        " FROM page p JOIN alert a ON a.id = p.alert"
        " WHERE p.severity <> 'life' AND p.person <> ALL(%s)"
        " AND ((p.state IN ('due', 'held') AND p.due_at <= %s) OR (p.state = 'sending'"
        "       AND (p.claimed_at < %s OR p.claimed_by IS DISTINCT FROM %s)))"
        " ORDER BY p.due_at, p.id LIMIT %s FOR UPDATE OF p SKIP LOCKED",
        (list(except_for), by.now, by.now - LEASE, by.name, AT_ONCE),
    )
    return [_claimed(*row) for row in cursor]


def _claimed(page: str, attempt: int, alert: str) -> Claimed:
    return Claimed(Waiting(_page.decode(page), _alert.decode(alert)), attempt)


def is_called_off(waiting: Waiting) -> bool:
    """Return True if the alert has been closed, or answered since the page was made."""
    alert = waiting.alert
    if alert.state not in ACTIVE:
        return True
    return alert.acked_at is not None and alert.acked_at >= waiting.page.due_at


def _still_wanted(conn: psycopg.Connection, found: list[Claimed]) -> list[Claimed]:
    off = [one.waiting.page.id for one in found if is_called_off(one.waiting)]
    if off:
        conn.execute("UPDATE page SET state = 'cancelled' WHERE id = ANY(%s)", (off,))
    return [one for one in found if not is_called_off(one.waiting)]


def _claim(conn: psycopg.Connection, claimed: list[Claimed], by: Claimer) -> None:
    if claimed:
        conn.execute(
            "UPDATE page SET state = 'sending', claimed_at = %s, claimed_by = %s,"
            " attempts = attempts + 1 WHERE id = ANY(%s)",
            (by.now, by.name, [one.waiting.page.id for one in claimed]),
        )


def _hold(conn: psycopg.Connection, held: Iterable[Waiting]) -> None:
    ids = [one.page.id for one in held]
    if ids:
        conn.execute(
            "UPDATE page SET state = 'held' WHERE id = ANY(%s) AND state <> 'held'", (ids,)
        )


def _recent_messages(
    conn: psycopg.Connection, people: Iterable[str], now: datetime
) -> dict[str, list[datetime]]:
    """Return when each got their messages of the last ten minutes; a bundle's pages
    share one time."""
    recent: dict[str, list[datetime]] = {}
    for person, sent_at in conn.execute(
        "SELECT DISTINCT person, sent_at FROM page WHERE severity <> 'life'"
        " AND person = ANY(%s) AND sent_at > %s",
        (list(people), now - timedelta(minutes=10)),
    ):
        recent.setdefault(person, []).append(sent_at)
    return recent


def _write(conn: psycopg.Connection, result: PageResult) -> ReceiptState:
    """Write the page's row after an answer, and return the receipt's state."""
    id, answer = result.claimed.waiting.page.id, result.answer
    if not answer.has_failed:
        conn.execute(
            "UPDATE page SET state = %s, sent_at = %s, delivered_at = %s, error = NULL"
            " WHERE id = %s",
            (answer.state, result.at, result.at if answer.state == "delivered" else None, id),
        )
        return answer.state
    pause = retry_after(result)
    if pause is None:
        ended = "cancelled" if answer.detail == OFF_DUTY else "failed"  # no fault of the contact
        conn.execute(
            "UPDATE page SET state = %s, error = %s WHERE id = %s", (ended, answer.detail, id)
        )
        return "failed_permanent"
    conn.execute(
        "UPDATE page SET state = 'due', due_at = %s, error = %s WHERE id = %s",
        (result.at + pause, answer.detail, id),
    )
    return "failed_temporary"


def retry_after(result: PageResult) -> timedelta | None:
    """Return how long to wait before the next attempt; None: there is none."""
    if result.answer.state == "failed_permanent":
        return None
    pauses = RETRIES[result.claimed.waiting.page.severity is Severity.LIFE]
    if result.claimed.attempt > len(pauses):
        return None
    return timedelta(seconds=pauses[result.claimed.attempt - 1])
