"""Write what a step came to, all in one transaction: findings, alerts, visits, pages, checkpoint.

Rule states go along from time to time only: most readings change nothing but "last heard", and a
restart replays the feed from the states last saved. Whoever finds the checkpoint elsewhere
than left writes nothing: another process has taken over.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg.rows import class_row

from alerts.cases.casebook import Changed
from alerts.engine.engine import StateRow
from alerts.history import alert as stored_alert
from alerts.history import mutes as stored_mutes
from alerts.history import open_alerts as stored_alerts
from alerts.inbox import append
from alerts.lanes import tables
from alerts.rules.sos_pressed import SOS_PRESSED
from alerts.types import Alert, AlertKey, InboxEntry, LaneName, Muted, Receipt, VisitRecord
from core.locks import Lock
from ingest.answers import Coming, say_coming

LONGEST_PAUSE = "5s"  # who freezes while holding it loses the connection, and with it the lock


class Overtaken(Exception):
    """Another process has moved this lane's checkpoint."""


class Checkpoint(msgspec.Struct, frozen=True):
    """How far a lane has come."""

    outputs_at: int = 0  # arrival up to which everything concluded is committed
    heard_at: int = 0  # arrival up to which the inbox has been read
    clock: datetime | None = None  # the engine's, at outputs_at; None: never begun
    states_at: int = 0  # arrival at which the rule states were last saved
    states_clock: datetime | None = None  # the engine's, then


class Step(msgspec.Struct, frozen=True):
    """What one commit writes."""

    changed: Changed
    visits: tuple[VisitRecord, ...]
    receipts: tuple[Receipt, ...]  # what channels reported later of pages, for the page's own row
    states: tuple[StateRow, ...] | None  # None: not now
    outputs_at: int
    heard_at: int
    clock: datetime | None  # None: the engine has not begun


class Journal:
    """The writing side of one lane. `conn` is its own, in autocommit mode.

    Alerts of `life_rules` belong to the life lane, all others to the main lane.
    """

    def __init__(self, conn: psycopg.Connection, lane: LaneName, life_rules: Iterable[str]) -> None:
        self._conn = conn
        self._lane = lane
        self._life_rules = frozenset(life_rules)
        self.checkpoint = self._load_checkpoint()

    def commit(self, step: Step) -> None:
        """Write it all or nothing, in one round trip. Raises psycopg.Error, or Overtaken."""
        try:
            moved = self._write(step)
        except psycopg.errors.DivisionByZero:
            raise Overtaken(self._lane) from None
        self.checkpoint = moved

    def _write(self, step: Step) -> Checkpoint:
        with self._conn.pipeline(), self._conn.transaction():
            moved = self._move_checkpoint(step)
            changed = step.changed
            tables.put_findings(self._conn, changed.findings)
            tables.put_mutes(self._conn, changed.mutes)
            if step.states is not None:
                own = [replace(row, rule=self._saved_as(row.rule)) for row in step.states]
                tables.put_states(self._conn, own)
            tables.note_receipts(self._conn, step.receipts)
            tables.cancel_pages(self._conn, changed.cancelled)
            if changed.alerts or step.visits:
                self._take_change_lock()
                tables.put_alerts(self._conn, changed.alerts)
                say_coming(self._conn, _coming(changed.alerts))
                if step.clock is not None:
                    tables.put_visits(self._conn, step.visits, step.clock)
            tables.put_pages(self._conn, changed.pages)
        return moved

    def is_ours(self, alert: Alert) -> bool:
        """Return True if this alert is one of this lane."""
        return (alert.rule in self._life_rules) == (self._lane == "life")

    def open_alerts(self) -> list[Alert]:
        """Return this lane's open alerts, oldest first."""
        return [alert for alert in stored_alerts(self._conn) if self.is_ours(alert)]

    def on_the_way(self) -> list[Alert]:
        """Return the alerts of both lanes that somebody is going to."""
        return [a for a in stored_alerts(self._conn) if a.acked_by and a.arrived_at is None]

    def append(self, entry: InboxEntry) -> None:
        """Put something into the inbox that the lane itself has noticed."""
        append(self._conn, entry)

    def alert(self, id: str) -> Alert | None:
        """Return one alert, open or closed, or None."""
        return stored_alert(self._conn, id)

    def mutes(self, now: datetime) -> list[Muted]:
        """Return the mutes in force."""
        return stored_mutes(self._conn, now)

    def raised_since(self, moment: datetime) -> list[tuple[AlertKey, datetime]]:
        """Return what was raised after a moment, in order."""
        rows = self._conn.execute(
            "SELECT rule, subject, body ->> 'key', at FROM finding"
            " WHERE at > %s AND event = 'raised' ORDER BY n",
            (moment,),
        )
        return [(AlertKey(rule, subject, key), at) for rule, subject, key, at in rows]

    def states(self, names: Iterable[str]) -> list[StateRow]:
        """Return the states saved under these names."""
        own = {self._saved_as(name): name for name in names}
        cursor = self._conn.cursor(row_factory=class_row(StateRow)).execute(
            "SELECT rule, key, version, wake_at, body FROM rule_state WHERE rule = ANY(%s)",
            (list(own),),
            binary=True,
        )
        return [replace(row, rule=own[row.rule]) for row in cursor]

    def _saved_as(self, name: str) -> str:
        """Return the name a state is saved by: what both lanes keep, the life lane keeps apart."""
        is_shared = self._lane == "life" and name not in self._life_rules
        return f"life/{name}" if is_shared else name

    def _load_checkpoint(self) -> Checkpoint:
        self._conn.execute(
            "INSERT INTO checkpoint (lane, outputs_at, states_at, clock, states_clock)"
            " VALUES (%s, 0, 0, '-infinity', '-infinity') ON CONFLICT DO NOTHING",
            (self._lane,),
        )
        found = self._conn.cursor(row_factory=class_row(Checkpoint)).execute(
            "SELECT outputs_at, heard_at, nullif(clock, '-infinity') AS clock, states_at,"
            " nullif(states_clock, '-infinity') AS states_clock FROM checkpoint WHERE lane = %s",
            (self._lane,),
        )
        checkpoint = found.fetchone()
        assert checkpoint is not None
        return checkpoint

    def _move_checkpoint(self, step: Step) -> Checkpoint:
        before = self.checkpoint
        after = Checkpoint(
            outputs_at=step.outputs_at,
            heard_at=step.heard_at,
            clock=step.clock,
            states_at=before.states_at if step.states is None else step.outputs_at,
            states_clock=before.states_clock if step.states is None else step.clock,
        )
        # Inside a pipeline nothing can be asked: no row moved divides by zero and ends it all.
        self._conn.execute(
            "WITH moved AS (UPDATE checkpoint SET outputs_at = %s, heard_at = %s,"
            " clock = coalesce(%s, clock), states_at = %s,"
            " states_clock = coalesce(%s, states_clock), renewed_at = clock_timestamp()"
            " WHERE lane = %s AND outputs_at = %s AND heard_at = %s RETURNING 1)"
            " SELECT 1 / count(*) FROM moved",
            (
                after.outputs_at,
                after.heard_at,
                after.clock,
                after.states_at,
                after.states_clock,
                self._lane,
                before.outputs_at,
                before.heard_at,
            ),
        )
        return after

    def _take_change_lock(self) -> None:
        self._conn.execute(
            "SELECT pg_notify('changed', '') FROM pg_advisory_xact_lock(%s),"
            " set_config('idle_in_transaction_session_timeout', %s, true)",
            (Lock.CHANGE, LONGEST_PAUSE),
        )


def _coming(alerts: Iterable[Alert]) -> list[Coming]:
    """Return the presses whose alert somebody has answered; asked again, each is told once."""
    return [
        Coming(each.device, each.id, alert.acked_at)
        for alert in alerts
        if alert.acked_at is not None and alert.rule == SOS_PRESSED.name
        for each in alert.evidence
        if each.device and each.id
    ]
