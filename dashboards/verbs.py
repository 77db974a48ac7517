"""What a person does about an alert: into the inbox, and then a look whether it was carried out.

The desk, the phone page and the API say the same verbs through this one door.
"""

import time
from collections.abc import Callable

import psycopg
from psycopg_pool import ConnectionPool

from alerts import desk, history
from alerts.types import Alert
from dashboards.access import Visitor
from dashboards.scope import sees_alert
from devices.directory import Directory
from devices.errors import CarewatchError

PATIENCE = 3.0  # s to wait for the engine before saying "recorded, not carried out yet"
LOOK_EVERY = 0.05  # s
VERBS = ("acknowledge", "arrive", "escalate", "note", "resolve")
SAYS = {  # the line that the engine writes into the story when it has carried a verb out
    "acknowledge": ("acknowledged", "also_acknowledged"),
    "arrive": ("arrived",),
    "escalate": ("escalated",),
    "note": ("noted",),
    "resolve": ("resolved",),
}


class NoSuchPage(CarewatchError):
    """There is nothing at this address, or nothing that this visitor may see."""


def alert_for(conn: psycopg.Connection, id: str, who: Visitor, directory: Directory) -> Alert:
    """The alert, if the visitor may see it. Raises NoSuchPage: what is hidden is not there."""
    found = history.alert(conn, id)
    if found is None or not sees_alert(who.scope, directory, found):
        raise NoSuchPage(f"alert {id}: there is none with this id")
    return found


def do(
    pool: ConnectionPool,
    alert: Alert,
    verb: str,
    person: str,
    *,
    outcome: str = "",
    note: str = "",
    via: str = "desk",
) -> bool:
    """Say it, wait a moment; True when the engine has carried it out.

    Saying twice what one has said already changes nothing and is True: a button may be pressed
    again, a request may be sent again. Raises CarewatchError for a bad outcome or an empty note.
    """
    if verb not in VERBS:
        raise NoSuchPage(f"{verb}: no such action")
    if _is_done(alert, verb, person):
        return True
    before = len(alert.story)
    with pool.connection() as conn:
        _say(conn, alert.id, verb, person, outcome, note, via)
    return _wait(pool, alert.id, lambda now: _has_line(now, before, verb, person))


def _say(
    conn: psycopg.Connection,
    alert: str,
    verb: str,
    person: str,
    outcome: str,
    note: str,
    via: str,
) -> None:
    match verb:
        case "acknowledge":
            desk.acknowledge(conn, alert, person, via=via)
        case "arrive":
            desk.arrive(conn, alert, person, via=via)
        case "escalate":
            desk.escalate(conn, alert, person)
        case "note":
            desk.note(conn, alert, person, note)
        case "resolve":
            desk.resolve(conn, alert, person, outcome, note=note)


def _is_done(alert: Alert, verb: str, person: str) -> bool:
    if verb == "acknowledge":
        return alert.acked_by == person
    return verb == "arrive" and alert.arrived_at is not None


def _has_line(alert: Alert, before: int, verb: str, person: str) -> bool:
    words = (*SAYS[verb], "too_late")
    return any(line.who == person and line.what in words for line in alert.story[before:])


def _wait(pool: ConnectionPool, alert: str, done: Callable[[Alert], bool]) -> bool:
    """No connection is held between two looks: others need it meanwhile."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(LOOK_EVERY)
        with pool.connection() as conn:
            now = history.alert(conn, alert)
        if now is not None and done(now):
            return True
    return False
