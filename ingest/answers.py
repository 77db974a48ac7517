"""The door by which alerts answers a device: what is asked here is sent beside the road of an SOS.

Everything here works on the caller's connection and transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import psycopg
from psycopg.rows import class_row

KEPT = timedelta(days=7)  # a device may ask for its answers by HTTP so long
STALE = timedelta(hours=1)  # an answer that could not be sent for so long is not sent any more


class Coming(msgspec.Struct, frozen=True):
    """Somebody is going to whoever pressed."""

    device: str
    press: str  # the id of the press
    at: datetime  # when somebody said so


class DueAnswer(msgspec.Struct, frozen=True):
    """An answer that is to be sent, and where."""

    device: str
    press: str
    answer: str
    at: datetime
    topic: str


def say_coming(conn: psycopg.Connection, coming: Sequence[Coming]) -> None:
    """Have devices told, once the caller's transaction is committed; each press is told once."""
    if coming:
        conn.execute(
            "INSERT INTO device_answer (device, press, answer, at)"
            " SELECT device, press, 'coming', at"
            " FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS t (device, press, at)"
            " ON CONFLICT DO NOTHING",
            (
                [each.device for each in coming],
                [each.press for each in coming],
                [each.at for each in coming],
            ),
        )


def due(conn: psycopg.Connection, limit: int = 100) -> list[DueAnswer]:
    """Return what is to be sent by MQTT now, oldest first. Raises psycopg.Error."""
    found = conn.cursor(row_factory=class_row(DueAnswer)).execute(
        "SELECT device, press, answer, at, topic FROM device_answer JOIN answer_topic"
        " USING (device) WHERE sent_at IS NULL AND asked_at > clock_timestamp() - %s"
        " ORDER BY asked_at LIMIT %s",
        (STALE, limit),
    )
    return found.fetchall()


def note_sent(conn: psycopg.Connection, sent: Sequence[DueAnswer]) -> None:
    """Note that the broker has taken these. Raises psycopg.Error."""
    conn.execute(
        "UPDATE device_answer SET sent_at = clock_timestamp() WHERE (device, press, answer) IN"
        " (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))",
        (
            [each.device for each in sent],
            [each.press for each in sent],
            [each.answer for each in sent],
        ),
    )


def note_topic(conn: psycopg.Connection, device: str, topic: str) -> None:
    """Remember where a device listens. Raises psycopg.Error."""
    conn.execute(
        "INSERT INTO answer_topic (device, topic) VALUES (%s, %s)"
        " ON CONFLICT (device) DO UPDATE SET topic = excluded.topic",
        (device, topic),
    )


def answers_of(conn: psycopg.Connection, device: str, limit: int = 100) -> list[Coming]:
    """Return the latest answers to a device's presses, latest first. Raises psycopg.Error."""
    found = conn.cursor(row_factory=class_row(Coming)).execute(
        "SELECT device, press, at FROM device_answer WHERE device = %s AND answer = 'coming'"
        " ORDER BY asked_at DESC LIMIT %s",
        (device, limit),
    )
    return found.fetchall()


def forget_old(conn: psycopg.Connection) -> None:
    """Delete what nobody asks for any more. Raises psycopg.Error."""
    conn.execute("DELETE FROM device_answer WHERE asked_at < clock_timestamp() - %s", (KEPT,))
