"""Write values into the tables of alerts, many rows a statement, in the caller's transaction."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec
import psycopg

from alerts.engine.engine import StateRow
from alerts.types import Alert, Finding, Muted, Page, Receipt, Severity, VisitRecord
from core.insert_many import insert_many, update_on

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")  # JSON allows it in a text, jsonb does not
_KEEP = "DO NOTHING"
_LATEST_STATE = update_on("rule, key", "version", "wake_at", "body")
_LATEST_ALERT = update_on("id", "severity", "state", "next_at", "changed", "body")
_LATEST_VISIT = update_on("id", "client", "start", "caregiver", "state", "grade", "changed", "body")


def put_findings(conn: psycopg.Connection, findings: Sequence[tuple[Finding, str | None]]) -> None:
    """Insert findings as they were made, each with the id of its alert."""
    insert_many(
        conn,
        "finding",
        {
            ("at", "timestamptz"): [found.at for found, _ in findings],
            ("rule", "text"): [found.rule for found, _ in findings],
            ("subject", "text"): [found.subject for found, _ in findings],
            ("event", "text"): [found.event for found, _ in findings],
            ("alert", "text"): [alert for _, alert in findings],
            ("body", "jsonb"): [_json(found) for found, _ in findings],
        },
    )


def put_mutes(conn: psycopg.Connection, mutes: Sequence[Muted]) -> None:
    """Insert mutes, or update those that ended early."""
    for muted in mutes:
        conn.execute(
            "INSERT INTO mute (id, until, body) VALUES (%s, %s, %s::jsonb)"
            " ON CONFLICT (id) DO UPDATE SET until = excluded.until, body = excluded.body",
            (muted.id, muted.until, _json(muted)),
        )


def put_states(conn: psycopg.Connection, states: Sequence[StateRow]) -> None:
    """Insert or update rule states; a state with an empty body is deleted."""
    gone = [row for row in states if not row.body]
    kept = [row for row in states if row.body]
    if gone:
        conn.execute(
            "DELETE FROM rule_state USING unnest(%s::text[], %s::text[]) AS gone (rule, key)"
            " WHERE rule_state.rule = gone.rule AND rule_state.key = gone.key",
            ([row.rule for row in gone], [row.key for row in gone]),
        )
    insert_many(
        conn,
        "rule_state",
        {
            ("rule", "text"): [row.rule for row in kept],
            ("key", "text"): [row.key for row in kept],
            ("version", "int4"): [row.version for row in kept],
            ("wake_at", "timestamptz"): [row.wake_at for row in kept],
            ("body", "bytea"): [row.body for row in kept],
        },
        on_conflict=_LATEST_STATE,
    )


def note_receipts(conn: psycopg.Connection, receipts: Sequence[Receipt]) -> None:
    """Note in each page's row what a provider's callback reported later.

    What the pager itself has written stays.
    """
    for receipt in receipts:
        if receipt.state in ("delivered", "read"):
            conn.execute(
                "UPDATE page SET state = %s, delivered_at = coalesce(delivered_at, %s)"
                " WHERE id = %s AND state IN ('queued', 'sent', 'delivered')",
                (receipt.state, receipt.at, receipt.page),
            )
        elif receipt.state == "failed_permanent":
            conn.execute(
                "UPDATE page SET state = 'failed', error = coalesce(error, %s)"
                " WHERE id = %s AND state IN ('queued', 'sent')",
                (receipt.detail, receipt.page),
            )


def cancel_pages(conn: psycopg.Connection, alerts: Sequence[str]) -> None:
    """Cancel the pages of these alerts that have not been sent."""
    if alerts:
        conn.execute(
            "UPDATE page SET state = 'cancelled'"
            " WHERE alert = ANY(%s) AND state IN ('due', 'held')",
            (list(alerts),),
        )


def put_alerts(conn: psycopg.Connection, alerts: Sequence[Alert]) -> None:
    """Insert or update alerts. The caller puts closed ones before open ones: the next alert of
    the same key may be opened in the same step."""
    insert_many(
        conn,
        "alert",
        {
            ("id", "text"): [alert.id for alert in alerts],
            ("rule", "text"): [alert.rule for alert in alerts],
            ("subject", "text"): [alert.subject for alert in alerts],
            ("key", "text"): [alert.key for alert in alerts],
            ("severity", "text"): [str(alert.severity) for alert in alerts],
            ("state", "text"): [alert.state for alert in alerts],
            ("area", "text"): [alert.area for alert in alerts],
            ("agency", "text"): [alert.agency for alert in alerts],
            ("raised_at", "timestamptz"): [alert.raised_at for alert in alerts],
            ("next_at", "timestamptz"): [alert.next_at for alert in alerts],
            ("body", "jsonb"): [_json(alert) for alert in alerts],
        },
        change=True,
        on_conflict=_LATEST_ALERT,
    )


def put_visits(conn: psycopg.Connection, visits: Sequence[VisitRecord], now: datetime) -> None:
    """Insert every revision of these visits, and put the last of each in the place of its visit.

    A revision that does not say since when it holds was made at `now`.
    """
    insert_many(
        conn,
        "visit_revision",
        {
            ("id", "text"): [visit.id for visit in visits],
            ("revision", "int4"): [visit.revision for visit in visits],
            ("at", "timestamptz"): [visit.revised_at or now for visit in visits],
            ("body", "jsonb"): [_json(visit) for visit in visits],
        },
        on_conflict=_KEEP,
    )
    latest = list({visit.id: visit for visit in visits}.values())
    insert_many(
        conn,
        "visit",
        {
            ("id", "text"): [visit.id for visit in latest],
            ("client", "text"): [visit.client for visit in latest],
            ("caregiver", "text"): [visit.caregiver for visit in latest],
            ("start", "timestamptz"): [visit.start for visit in latest],
            ("state", "text"): [visit.state for visit in latest],
            ("grade", "text"): [visit.grade for visit in latest],
            ("body", "jsonb"): [_json(visit) for visit in latest],
        },
        change=True,
        on_conflict=_LATEST_VISIT,
    )


def put_pages(conn: psycopg.Connection, pages: Sequence[Page]) -> None:
    """Insert pages to send, and notify the pagers. A page that is there already stays so."""
    if not pages:
        return
    insert_many(
        conn,
        "page",
        {
            ("id", "text"): [page.id for page in pages],
            ("alert", "text"): [page.alert for page in pages],
            ("person", "text"): [page.person for page in pages],
            ("severity", "text"): [str(page.severity) for page in pages],
            ("state", "text"): [page.state for page in pages],
            ("due_at", "timestamptz"): [page.due_at for page in pages],
            ("body", "jsonb"): [_json(page) for page in pages],
        },
        on_conflict=_KEEP,
    )
    is_life = any(page.severity is Severity.LIFE for page in pages)
    conn.execute("SELECT pg_notify('page', %s)", ("life" if is_life else "bulk",))


def _json(value: msgspec.Struct) -> str:
    return _NUL.sub(rb"\1", msgspec.json.encode(value)).decode()
