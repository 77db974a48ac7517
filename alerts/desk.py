"""What people and channels say, appended to the inbox. Nothing here ever edits an alert.

Every verb appends one entry in the one order of arrivals, and returns its arrival number; the
engine reads it from the feed like a reading. The caller's transaction is joined when one is
open. Raises `UnknownAlert` where the alert does not exist, `CarewatchError` for a bad value.
"""

from datetime import UTC, datetime, timedelta
from typing import get_args

import psycopg

from alerts.history import alert as _alert
from alerts.history import people
from alerts.inbox import append, said_under
from alerts.paging.links import LinkClaim, Refusal, address, sign, verify
from alerts.paging.replies import GOING, MORE_HELP, asked_last, who_has
from alerts.registering import register_device
from alerts.types import (
    OUTCOMES,
    Acknowledged,
    Alert,
    Arrived,
    Escalated,
    Muted,
    Noted,
    Opened,
    Outcome,
    Receipt,
    Resolved,
    Unmuted,
)
from core.errors import CarewatchError
from devices.subject import Subject

__all__ = (
    "LINK_VERBS",
    "LinkClaim",
    "Refusal",
    "UnknownAlert",
    "acknowledge",
    "address",
    "answer_by_keypad",
    "answer_by_sms",
    "append",
    "arrive",
    "escalate",
    "mute",
    "note",
    "opened",
    "read_link",
    "receipt",
    "register_device",
    "resolve",
    "said_under",
    "sign",
    "unmute",
    "verify",
)

MAX_NOTE = 2000  # characters
MAX_MUTE = timedelta(days=31)
LINK_VERBS = ("acknowledge", "arrive", "note", "escalate", "resolve")  # what a link allows


class UnknownAlert(CarewatchError):
    """There is no such alert."""


def acknowledge(conn: psycopg.Connection, alert: str, person: str, *, via: str = "desk") -> int:
    """Acknowledge ("I'm going") and stop every rung.

    The first wins; a later one is told who it was.
    """
    return _append_about(conn, Acknowledged(at=_now(), alert=alert, person=person, via=via))


def arrive(conn: psycopg.Connection, alert: str, person: str, *, via: str = "desk") -> int:
    """Record that the answering person is at the scene."""
    return _append_about(conn, Arrived(at=_now(), alert=alert, person=person, via=via))


def resolve(
    conn: psycopg.Connection,
    alert: str,
    person: str,
    outcome: str,
    *,
    note: str = "",
    key: str | None = None,
) -> int:
    """Close an alert. `outcome` is one of `OUTCOMES`."""
    if outcome not in OUTCOMES:
        raise CarewatchError(f"outcome {outcome!r}: must be one of {', '.join(OUTCOMES)}")
    entry = Resolved(
        at=_now(), alert=alert, person=person, outcome=_outcome(outcome), note=_clean(note)
    )
    return _append_about(conn, entry, key)


def note(
    conn: psycopg.Connection, alert: str, person: str, text: str, *, key: str | None = None
) -> int:
    """Add a line to the alert's story, at most 2,000 characters."""
    if not _clean(text):
        raise CarewatchError("note: it is empty; write what happened")
    return _append_about(conn, Noted(at=_now(), alert=alert, person=person, note=_clean(text)), key)


def escalate(conn: psycopg.Connection, alert: str, person: str, *, key: str | None = None) -> int:
    """Climb the next rung now."""
    return _append_about(conn, Escalated(at=_now(), alert=alert, person=person), key)


def opened(conn: psycopg.Connection, alert: str, person: str) -> int:
    """Record that the alert's page was opened by its link; link previews do that too."""
    return _append_about(conn, Opened(at=_now(), alert=alert, person=person))


def receipt(conn: psycopg.Connection, entry: Receipt) -> int:
    """Record what a provider's callback says of a page."""
    return append(conn, entry)


def mute(
    conn: psycopg.Connection,
    *,
    id: str,
    person: str,
    reason: str,
    until: datetime,
    subject: str | None = None,
    rule: str | None = None,
    area: str | None = None,
) -> int:
    """Mute, shelve or take into maintenance until a moment. Life alerts stay untouched.

    At least one of subject, rule and area is named; the end lies within 31 days. Raise
    CarewatchError where it is not so, or the subject is not one.
    """
    now = _now()
    if not (subject or rule or area):
        raise CarewatchError("mute: name a subject, a rule or an area; a town is never muted whole")
    if not now < until <= now + MAX_MUTE:
        raise CarewatchError("mute: its end must lie ahead, and within 31 days")
    if not _clean(reason):
        raise CarewatchError("mute: say why, in a few words")
    entry = Muted(
        at=now,
        id=id,
        until=until,
        reason=_clean(reason),
        person=person,
        subject=str(Subject.parse(subject)) if subject else None,
        rule=rule or None,
        area=area or None,
    )
    return append(conn, entry)


def unmute(conn: psycopg.Connection, id: str, person: str) -> int:
    """End a mute early."""
    return append(conn, Unmuted(at=_now(), id=id, person=person))


def read_link(
    conn: psycopg.Connection,
    secret: str,
    token: str,
    *,
    now: datetime,
    visitor: str | None = None,
) -> tuple[LinkClaim, Alert] | Refusal:
    """Return whose link this is and what it is about, or why it does not serve. Changes nothing.

    A link serves as long as its person is in the town; taken out, they answer for nobody.
    """
    claim = verify(secret, token, now=now, visitor=visitor)
    if isinstance(claim, Refusal):
        return claim
    if all(staff.id != claim.person for staff in people(conn)):
        return Refusal.GONE
    found = _alert(conn, claim.alert)
    if found is None:
        return Refusal.UNKNOWN_ALERT
    if found.state in ("resolved", "cleared"):
        return Refusal.RESOLVED
    return claim, found


def answer_by_sms(conn: psycopg.Connection, number: str, text: str, *, now: datetime) -> str | None:
    """Take a reply by SMS: "1" acknowledges, "2" asks for the next rung.

    The alert it spoke of, or None.

    The number tells the person; of what they were paged for in the last day the gravest is meant.
    """
    staff = who_has(conn, number)
    alert = asked_last(conn, staff.id, now - timedelta(days=1)) if staff else None
    if staff is None or alert is None:
        return None
    return alert if _answered_with(conn, text, alert, staff.id, via="sms") else None


def answer_by_keypad(
    conn: psycopg.Connection, secret: str, token: str, digits: str, *, now: datetime
) -> tuple[LinkClaim, Alert] | Refusal:
    """Take a key pressed during a call: 1 acknowledges, 2 asks for the next rung."""
    found = read_link(conn, secret, token, now=now)
    if not isinstance(found, Refusal):
        _answered_with(conn, digits, found[0].alert, found[0].person, via="voice")
    return found


def _answered_with(
    conn: psycopg.Connection, text: str, alert: str, person: str, *, via: str
) -> bool:
    if text.strip().startswith(GOING):
        acknowledge(conn, alert, person, via=via)
        return True
    if text.strip().startswith(MORE_HELP):
        escalate(conn, alert, person)
        return True
    return False


About = Acknowledged | Arrived | Resolved | Noted | Escalated | Opened


def _append_about(conn: psycopg.Connection, entry: About, key: str | None = None) -> int:
    known = conn.execute("SELECT 1 FROM alert WHERE id = %s", (entry.alert,)).fetchone()
    if known is None:
        raise UnknownAlert(f"alert {entry.alert!r}: there is none with this id")
    return append(conn, entry, key=key)


def _outcome(word: str) -> Outcome:
    return next(outcome for outcome in get_args(Outcome) if outcome == word)


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()[:MAX_NOTE]


def _now() -> datetime:
    return datetime.now(UTC)
