"""What a person does about an alert: into the inbox, and then a look whether it was carried out.

The desk, the phone page and the API say the same verbs through this one door.
"""

import time
from collections.abc import Callable
from typing import Annotated

import msgspec
import psycopg
from fastapi import Form
from psycopg_pool import ConnectionPool

from alerts import desk, history
from alerts.types import Alert
from core.errors import CarewatchError
from dashboards.auth.access import Visitor
from dashboards.scope import sees_alert
from devices.directory import Directory

PATIENCE = 3.0  # s to wait for the engine before saying "recorded, not carried out yet"
LOOK_EVERY = 0.05  # s
VERBS = ("acknowledge", "arrive", "escalate", "note", "resolve")
# A form can't send the header Idempotency-Key; each that a page shows holds a key of its own.
Once = Annotated[str, Form(max_length=200)]
SAYS = {  # the line that the engine writes into the story when it has carried a verb out
    "acknowledge": ("acknowledged", "also_acknowledged"),
    "arrive": ("arrived",),
    "escalate": ("escalated",),
    "note": ("noted",),
    "resolve": ("resolved",),
}


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says about an alert."""

    verb: str  # one of VERBS
    person: str
    outcome: str = ""  # of a resolve
    note: str = ""  # of a note or a resolve
    via: str = "desk"
    idempotency_key: str | None = None  # sent again with the same key, it is said once

    def key(self, alert: str) -> str | None:
        """Return the key of an action, which counts for one person, alert and verb."""
        if not self.idempotency_key:
            return None
        return " ".join((alert, self.verb, self.person, self.idempotency_key))


class NoSuchPage(CarewatchError):
    """There is nothing at this address, or nothing that this visitor may see."""


def alert_for(conn: psycopg.Connection, id: str, who: Visitor, directory: Directory) -> Alert:
    """Return the alert, if the visitor may see it.

    Raises NoSuchPage: what is hidden is not there.
    """
    found = history.alert(conn, id)
    if found is None or not sees_alert(who.scope, directory, found):
        raise NoSuchPage(f"alert {id}: there is none with this id")
    return found


def do(pool: ConnectionPool, alert: Alert, saying: Saying) -> bool:
    """Say it, wait a moment; True when the engine has carried it out.

    Saying twice what one has said already changes nothing and is True: a button may be pressed
    again, a request may be sent again. Raises CarewatchError for a bad outcome or an empty note.
    """
    if saying.verb not in VERBS:
        raise NoSuchPage(f"{saying.verb}: no such action")
    if _is_done(alert, saying.verb, saying.person):
        return True
    with pool.connection() as conn:
        is_repeat = desk.said_under(conn, saying.key(alert.id)) is not None
        if not is_repeat:
            _say(conn, alert.id, saying)
    before = 0 if is_repeat else len(alert.story)
    return _wait(pool, alert.id, lambda now: _has_line(now, before, saying.verb, saying.person))


def _say(conn: psycopg.Connection, alert: str, saying: Saying) -> None:
    person, key = saying.person, saying.key(alert)
    match saying.verb:
        case "acknowledge":
            desk.acknowledge(conn, alert, person, via=saying.via)
        case "arrive":
            desk.arrive(conn, alert, person, via=saying.via)
        case "escalate":
            desk.escalate(conn, alert, person, key=key)
        case "note":
            desk.note(conn, alert, person, saying.note, key=key)
        case "resolve":
            desk.resolve(conn, alert, person, saying.outcome, note=saying.note, key=key)


def _is_done(alert: Alert, verb: str, person: str) -> bool:
    if verb == "acknowledge":
        return alert.acked_by == person
    return verb == "arrive" and alert.arrived_at is not None


def _has_line(alert: Alert, before: int, verb: str, person: str) -> bool:
    words = (*SAYS[verb], "too_late")
    return any(line.who == person and line.what in words for line in alert.story[before:])


def _wait(pool: ConnectionPool, alert: str, done: Callable[[Alert], bool]) -> bool:
    """Wait until the entry is taken in; hold no connection between two looks, others need it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(LOOK_EVERY)
        with pool.connection() as conn:
            now = history.alert(conn, alert)
        if now is not None and done(now):
            return True
    return False
