"""Values into the tables of alerts, many rows a statement. The caller holds the transaction."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec
import psycopg

from alerts.engine.engine import StateRow
from alerts.types import Alert, Finding, Muted, Page, Receipt, Severity, VisitRecord

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")  # JSON allows it in a text, jsonb does not


def put_findings(conn: psycopg.Connection, findings: Sequence[tuple[Finding, str | None]]) -> None:
    """Findings as they were made, each with the id of its alert."""
    if not findings:
        return
    conn.execute(
        "INSERT INTO finding (at, rule, subject, event, alert, body)"
        " SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::text[],"
        " %s::text[], %s::text[]::jsonb[])",
        (
            [found.at for found, _ in findings],
            [found.rule for found, _ in findings],
            [found.subject for found, _ in findings],
            [found.event for found, _ in findings],
            [alert for _, alert in findings],
            [_json(found) for found, _ in findings],
        ),
    )


def put_mutes(conn: psycopg.Connection, mutes: Sequence[Muted]) -> None:
    """Mutes that are new, or ended early."""
    for muted in mutes:
        conn.execute(
            "INSERT INTO mute (id, until, body) VALUES (%s, %s, %s::jsonb)"
            " ON CONFLICT (id) DO UPDATE SET until = excluded.until, body = excluded.body",
            (muted.id, muted.until, _json(muted)),
        )


def put_states(conn: psycopg.Connection, states: Sequence[StateRow]) -> None:
    """Rule states; an empty body takes its row away."""
    gone = [row for row in states if not row.body]
    kept = [row for row in states if row.body]
    if gone:
        conn.execute(
            "DELETE FROM rule_state USING unnest(%s::text[], %s::text[]) AS gone (rule, key)"
            " WHERE rule_state.rule = gone.rule AND rule_state.key = gone.key",
            ([row.rule for row in gone], [row.key for row in gone]),
        )
    if kept:
        conn.execute(
            "INSERT INTO rule_state (rule, key, version, wake_at, body)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::timestamptz[],"
            " %b::bytea[]) ON CONFLICT (rule, key) DO UPDATE SET version = excluded.version,"
            " wake_at = excluded.wake_at, body = excluded.body",
            (
                [row.rule for row in kept],
                [row.key for row in kept],
                [row.version for row in kept],
                [row.wake_at for row in kept],
                [row.body for row in kept],
            ),
        )


def note_receipts(conn: psycopg.Connection, receipts: Sequence[Receipt]) -> None:
    """What a provider's callback said later. What the pager itself has written stays."""
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
    """Call off what has not left of these alerts."""
    if alerts:
        conn.execute(
            "UPDATE page SET state = 'cancelled'"
            " WHERE alert = ANY(%s) AND state IN ('due', 'held')",
            (list(alerts),),
        )


def put_alerts(conn: psycopg.Connection, alerts: Sequence[Alert]) -> None:
    """Closed ones come first: the next alert of the same key may be opened in the same step."""
    if not alerts:
        return
    conn.execute(
        "INSERT INTO alert (id, rule, subject, key, severity, state, area, agency, raised_at,"
        " next_at, body, changed) SELECT *, nextval('change') FROM unnest(%s::text[], %s::text[],"
        " %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
        " %s::timestamptz[], %s::timestamptz[], %s::text[]::jsonb[])"
        " ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, state = excluded.state,"
        " next_at = excluded.next_at, changed = excluded.changed, body = excluded.body",
        (
            [alert.id for alert in alerts],
            [alert.rule for alert in alerts],
            [alert.subject for alert in alerts],
            [alert.key for alert in alerts],
            [str(alert.severity) for alert in alerts],
            [alert.state for alert in alerts],
            [alert.area for alert in alerts],
            [alert.agency for alert in alerts],
            [alert.raised_at for alert in alerts],
            [alert.next_at for alert in alerts],
            [_json(alert) for alert in alerts],
        ),
    )


def put_visits(conn: psycopg.Connection, visits: Sequence[VisitRecord], now: datetime) -> None:
    """What each visit is thought to be now, and every revision since when (`now`, unless told)."""
    if not visits:
        return
    conn.execute(
        "INSERT INTO visit_revision (id, revision, at, body)"
        " SELECT * FROM unnest(%s::text[], %s::int[], %s::timestamptz[], %s::text[]::jsonb[])"
        " ON CONFLICT DO NOTHING",
        (
            [visit.id for visit in visits],
            [visit.revision for visit in visits],
            [visit.revised_at or now for visit in visits],
            [_json(visit) for visit in visits],
        ),
    )
    latest = list({visit.id: visit for visit in visits}.values())
    conn.execute(
        "INSERT INTO visit (id, client, caregiver, start, state, grade, body, changed)"
        " SELECT *, nextval('change') FROM unnest(%s::text[], %s::text[], %s::text[],"
        " %s::timestamptz[], %s::text[], %s::text[], %s::text[]::jsonb[])"
        " ON CONFLICT (id) DO UPDATE SET client = excluded.client, start = excluded.start,"
        " caregiver = excluded.caregiver, state = excluded.state, grade = excluded.grade,"
        " changed = excluded.changed, body = excluded.body",
        (
            [visit.id for visit in latest],
            [visit.client for visit in latest],
            [visit.caregiver for visit in latest],
            [visit.start for visit in latest],
            [visit.state for visit in latest],
            [visit.grade for visit in latest],
            [_json(visit) for visit in latest],
        ),
    )


def put_pages(conn: psycopg.Connection, pages: Sequence[Page]) -> None:
    """Pages to send, and a hint to whoever sends them. One that is there already stays so."""
    if not pages:
        return
    conn.execute(
        "INSERT INTO page (id, alert, person, severity, state, due_at, body)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
        " %s::timestamptz[], %s::text[]::jsonb[]) ON CONFLICT (id) DO NOTHING",
        (
            [page.id for page in pages],
            [page.alert for page in pages],
            [page.person for page in pages],
            [str(page.severity) for page in pages],
            [page.state for page in pages],
            [page.due_at for page in pages],
            [_json(page) for page in pages],
        ),
    )
    is_life = any(page.severity is Severity.LIFE for page in pages)
    conn.execute("SELECT pg_notify('page', %s)", ("life" if is_life else "bulk",))


def _json(value: msgspec.Struct) -> str:
    return _NUL.sub(rb"\1", msgspec.json.encode(value)).decode()
