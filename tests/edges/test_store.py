"""A batch goes into a real PostgreSQL: once, whole, in order, and the bad row alone falls out."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from devices.envelope import Envelope
from devices.readings import DoorMoved, Position, Reading, Reason, Rejection
from ingest.history import feed_after
from ingest.store import Message, save

pytestmark = pytest.mark.edge

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def position(n: int, **changes: Any) -> Position:
    said = {"device": "phone-1", "id": f"p{n}", "observed_at": NOON + timedelta(seconds=n)}
    return Position(**{**said, "received_at": NOON, "lat": 35.24, "lon": 115.48, **changes})


def message(*readings: Reading, rejections: tuple[Rejection, ...] = ()) -> Message:
    envelope = Envelope("carewatch/v1/wangji/position/phone-1", b"{}", NOON)
    admitted = SimpleNamespace(family="contract", readings=readings, rejections=rejections)
    return Message(envelope, admitted)  # type: ignore[arg-type]


def test_a_reading_is_stored_once_and_fed_in_order(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        saved = save(conn, [message(position(1)), message(position(2)), message(position(1))])
        assert saved.outcomes == ("stored", "stored", "duplicate")
        again = save(conn, [message(position(2)), message(position(3)), message()])
        assert again.outcomes == ("duplicate", "stored", "ignored")
        batches = feed_after(conn, 0)
        assert [batch.readings for batch in batches] == [saved.stored, again.stored]
        rows = conn.execute("SELECT arrival, id FROM reading ORDER BY arrival").fetchall()
    fed = [(batch.first + i, each.id) for batch in batches for i, each in enumerate(batch.readings)]
    assert rows == fed


def test_the_bad_row_alone_is_refused(database_url: str) -> None:
    bad = position(5, id="a\0b")
    batch = [message(position(n)) for n in range(4)] + [message(bad)] + [message(position(7))]
    with psycopg.connect(database_url) as conn:
        saved = save(conn, batch)
        assert saved.outcomes == ("stored",) * 4 + ("rejected", "stored")
        assert [each.reason for each in saved.rejections] == [Reason.BAD_VALUE]
        rows = conn.execute("SELECT reason, family FROM rejection").fetchall()
    assert rows == [("bad_value", "contract")]


def test_rejections_are_kept(database_url: str) -> None:
    refused = Rejection(Reason.NOT_JSON, "not JSON: \0 \udc80")
    door = DoorMoved(device="door-1", id="d", observed_at=NOON, received_at=NOON, open=True)
    with psycopg.connect(database_url) as conn:
        saved = save(conn, [message(rejections=(refused,)), message(door)])
        assert saved.outcomes == ("rejected", "stored")
        (detail,) = conn.execute("SELECT detail FROM rejection").fetchone()  # type: ignore[misc]
    assert detail == "not JSON: \\0 \\udc80"
