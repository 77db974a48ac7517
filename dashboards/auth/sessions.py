"""Sign-ins and sessions: who sits at this browser. The tables `sign_in`, `session`, `access_log`
are this room's own; people and their roles come from the town file.
"""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import scalar_row

from core.errors import CarewatchError
from dashboards.auth.passwords import hashed, verified

SESSION = timedelta(hours=12)  # one shift
SHORTEST = 8  # characters of a secret


def set_sign_in(conn: psycopg.Connection, *, name: str, person: str, secret: str) -> None:
    """Let a person of the town file sign in under a name; replaces an earlier secret and ends the
    sessions that were opened with it. Raises CarewatchError for a secret that is too short."""
    if len(secret) < SHORTEST:
        raise CarewatchError(f"sign-in {name}: the secret needs {SHORTEST} characters or more")
    with conn.transaction():
        conn.execute(
            "INSERT INTO sign_in (name, person, secret_hash) VALUES (%s, %s, %s)"
            " ON CONFLICT (name) DO UPDATE"
            " SET person = excluded.person, secret_hash = excluded.secret_hash",
            (name, person, hashed(secret)),
        )
        conn.execute("DELETE FROM session WHERE person = %s", (person,))


def remove_sign_in(conn: psycopg.Connection, name: str) -> None:
    """Take a sign-in away and end its person's sessions. Raises CarewatchError where none is."""
    with conn.transaction():
        gone = conn.execute("DELETE FROM sign_in WHERE name = %s RETURNING person", (name,))
        row = gone.fetchone()
        if row is None:
            raise CarewatchError(
                f"sign-in {name}: there is none; `carewatch sign-in list` shows all"
            )
        conn.execute("DELETE FROM session WHERE person = %s", row)


def sign_ins(conn: psycopg.Connection) -> list[tuple[str, str]]:
    """Return (name, person) of each sign-in, by name."""
    return conn.execute("SELECT name, person FROM sign_in ORDER BY name").fetchall()


def nobody_signs_in(conn: psycopg.Connection) -> bool:
    """Return True if no sign-in has been made yet: a fresh installation."""
    return conn.execute("SELECT 1 FROM sign_in LIMIT 1").fetchone() is None


def begin_session(
    conn: psycopg.Connection, name: str, secret: str, now: datetime
) -> tuple[str, str] | None:
    """Begin a session and return (cookie, person), or None for a wrong name or secret.

    A name that does not exist takes as long as a wrong secret.
    """
    found = conn.execute(
        "SELECT person, secret_hash FROM sign_in WHERE name = %s", (name,)
    ).fetchone()
    person, kept = found or ("", None)
    valid, renewed = verified(secret, kept)
    if not valid:
        return None
    cookie = secrets.token_urlsafe(32)
    with conn.transaction():
        if renewed:
            conn.execute(
                "UPDATE sign_in SET secret_hash = %s WHERE name = %s AND secret_hash = %s",
                (renewed, name, kept),  # not over a secret that was set meanwhile
            )
        conn.execute("DELETE FROM session WHERE ends_at < %s", (now,))
        conn.execute(
            "INSERT INTO session (id, person, made_at, ends_at) VALUES (%s, %s, %s, %s)",
            (_session_id(cookie), person, now, now + SESSION),
        )
    log_access(conn, person, "sign_in", name)
    return cookie, person


def person_of(conn: psycopg.Connection, cookie: str, now: datetime) -> str | None:
    """Return whose session this is, or None where it has ended."""
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT person FROM session WHERE id = %s AND ends_at > %s", (_session_id(cookie), now)
    )
    return found.fetchone()


def end_session(conn: psycopg.Connection, cookie: str) -> None:
    """Sign out."""
    conn.execute("DELETE FROM session WHERE id = %s", (_session_id(cookie),))


def first_sign_ins(conn: psycopg.Connection, persons: Collection[str]) -> dict[str, datetime]:
    """Return when each of these people signed in first, as far as that is still logged."""
    rows = conn.execute(
        "SELECT person, min(at) FROM access_log WHERE what = 'sign_in' AND person = ANY(%s)"
        " GROUP BY person",
        (list(persons),),
    )
    return dict(rows.fetchall())


def log_access(conn: psycopg.Connection, person: str, what: str, subject: str) -> None:
    """Log who did what is not for everybody: reveal, export, trail, sign_in, replay, replayed."""
    conn.execute(
        "INSERT INTO access_log (person, what, subject) VALUES (%s, %s, %s)",
        (person, what, subject),
    )


def _session_id(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
