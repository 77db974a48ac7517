"""The trials people have asked for from the page, in PostgreSQL: each kept for its author.

A trial waits, runs, and is done, failed or stopped. Whoever runs it renews it each second, so one
whose process is gone is known for lost. One at a time a person; the last twenty are kept.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
import psycopg

from alerts.plans.setting_changes import SettingDifference
from alerts.trials.report import Summary
from alerts.types import TownSettings
from core.errors import CarewatchError
from devices.scope import WHOLE, Scope

TrialState = Literal["waiting", "running", "done", "failed", "stopped"]
KEPT = 20  # trials a person
LOST_AFTER = "60 seconds"  # without a sign of life


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be tried on which stretch of the past, and what of it the author may see."""

    settings: TownSettings  # as they would be in force
    tried_on: int  # the version in force when it was asked
    differences: tuple[SettingDifference, ...]  # from that version
    since: datetime
    until: datetime
    seats: int = 1
    scope: Scope = WHOLE
    restores: int | None = None  # the older version that this is


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One trial as it stands."""

    id: str
    person: str
    asked_at: datetime
    state: TrialState
    request: Request
    progress: float  # 0 to 1
    fault: str  # why it failed
    summary: Summary | None  # once done
    enabled_as: int | None  # the version of the settings it became

    @property
    def is_open(self) -> bool:
        """Return True if it waits or runs."""
        return self.state in ("waiting", "running")


def ask(conn: psycopg.Connection, person: str, request: Request, now: datetime) -> str:
    """Write down what a person wants tried; its id. Raises CarewatchError while one runs."""
    id = secrets.token_hex(8)
    with conn.transaction():
        _mark_lost(conn)
        conn.execute(
            "DELETE FROM rule_trial WHERE id IN (SELECT id FROM rule_trial WHERE person = %s"
            " AND state NOT IN ('waiting', 'running') ORDER BY asked_at DESC OFFSET %s)",
            (person, KEPT - 1),
        )
        asked = conn.execute(
            "INSERT INTO rule_trial (id, person, asked_at, state, body)"
            " VALUES (%s, %s, %s, 'waiting', %s::jsonb)"
            " ON CONFLICT (person) WHERE state IN ('waiting', 'running') DO NOTHING RETURNING id",
            (id, person, now, msgspec.json.encode(request).decode()),
        ).fetchone()
    if asked is None:
        raise CarewatchError("a trial of yours is still running: wait for it, or stop it")
    return id


def trial(conn: psycopg.Connection, id: str, person: str) -> TrialRecord | None:
    """Return one trial of this person, or None."""
    return next(iter(_read(conn, "id = %s AND person = %s", (id, person))), None)


def trials_of(conn: psycopg.Connection, person: str) -> list[TrialRecord]:
    """Return a person's trials, the newest first."""
    return _read(conn, "person = %s", (person,))


def report_of(conn: psycopg.Connection, id: str, person: str) -> str | None:
    """Return the whole report (HTML) of a trial of this person; None where there is none."""
    row = conn.execute(
        "SELECT report FROM rule_trial WHERE id = %s AND person = %s", (id, person)
    ).fetchone()
    return row[0] if row else None


def stop(conn: psycopg.Connection, id: str, person: str) -> None:
    """Give a trial up; its process ends at its next sign of life."""
    conn.execute(
        "UPDATE rule_trial SET state = 'stopped'"
        " WHERE id = %s AND person = %s AND state IN ('waiting', 'running')",
        (id, person),
    )


def begin(conn: psycopg.Connection, id: str) -> Request | None:
    """Take up a trial that waits; None where it waits no more."""
    row = conn.execute(
        "UPDATE rule_trial SET state = 'running', renewed_at = clock_timestamp()"
        " WHERE id = %s AND state = 'waiting' RETURNING body::text",
        (id,),
    ).fetchone()
    return _REQUEST.decode(row[0]) if row else None


def renew(conn: psycopg.Connection, id: str, progress: float) -> bool:
    """Say that it is alive and how far; False where nobody waits for it any more."""
    row = conn.execute(
        "UPDATE rule_trial SET renewed_at = clock_timestamp(), progress = %s"
        " WHERE id = %s AND state IN ('waiting', 'running') RETURNING id",
        (progress, id),
    ).fetchone()
    return row is not None


def finish(conn: psycopg.Connection, id: str, summary: Summary, report: str) -> None:
    """Keep what came out."""
    conn.execute(
        "UPDATE rule_trial SET state = 'done', progress = 1, summary = %s, report = %s"
        " WHERE id = %s AND state = 'running'",
        (msgspec.json.encode(summary).decode(), report, id),
    )


def fail(conn: psycopg.Connection, id: str, fault: str) -> None:
    """Keep why nothing came out; a trial that has ended already stays as it is."""
    conn.execute(
        "UPDATE rule_trial SET state = 'failed', fault = %s"
        " WHERE id = %s AND state IN ('waiting', 'running')",
        (fault, id),
    )


def mark_enabled(conn: psycopg.Connection, id: str, version: int) -> None:
    """Write down which version of the settings the trial became."""
    conn.execute("UPDATE rule_trial SET enabled_as = %s WHERE id = %s", (version, id))


def _read(conn: psycopg.Connection, where: str, values: Iterable[object]) -> list[TrialRecord]:
    _mark_lost(conn)
    rows = conn.execute(
        "SELECT id, person, asked_at, state, body::text, progress, fault, summary, enabled_as"
        f" FROM rule_trial WHERE {where} ORDER BY asked_at DESC, id",
        tuple(values),
    )
    return [
        TrialRecord(
            id=id,
            person=person,
            asked_at=asked_at,
            state=state,
            request=_REQUEST.decode(body),
            progress=progress,
            fault=fault,
            summary=_SUMMARY.decode(summary) if summary else None,
            enabled_as=enabled_as,
        )
        for id, person, asked_at, state, body, progress, fault, summary, enabled_as in rows
    ]


def _mark_lost(conn: psycopg.Connection) -> None:
    conn.execute(
        "UPDATE rule_trial SET state = 'failed', fault = 'its process ended before it was done'"
        " WHERE state IN ('waiting', 'running')"
        f" AND renewed_at < clock_timestamp() - interval '{LOST_AFTER}'"
    )


_REQUEST = msgspec.json.Decoder(Request)
_SUMMARY = msgspec.json.Decoder(Summary)
