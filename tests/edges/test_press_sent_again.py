"""A press of a clock that can't be believed, sent again, is the press that it was: live as in a
backtest, in whatever order several of them come again."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.recorded import Recorded
from devices.envelope import Envelope
from ingest.admission.admit import admit
from ingest.lanes.counters import settled
from ingest.store.save import AdmittedMessage, save

pytestmark = pytest.mark.edge
START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
TOPIC = "carewatch/v1/w/sos/btn-1"
CLOCKS = (None, "2031-01-01T00:00:00Z", "2001-01-01T00:00:00Z", "yesterday")


def said(id: str, clock: str | None, minute: int) -> Envelope:
    body = {"id": id, "press": "short"} | ({"at": clock} if clock is not None else {})
    return Envelope(TOPIC, msgspec.json.encode(body), START + timedelta(minutes=minute))


def stored(conn: psycopg.Connection, envelopes: Iterable[Envelope]) -> list[tuple[str, datetime]]:
    """The presses that are rows, in the order of their ids, each batch of one message."""
    conn.execute("TRUNCATE reading_event, first_delivery")
    for envelope in envelopes:
        messages = settled(conn, [AdmittedMessage(envelope, admit(envelope, None))])
        save(conn, messages)
    rows = conn.execute("SELECT id, at FROM reading_event ORDER BY id, at").fetchall()
    return [(id, at) for id, at in rows]


@pytest.mark.parametrize("clock", CLOCKS)
def test_sent_again_minutes_later_it_is_one_press(
    conn: psycopg.Connection, clock: str | None
) -> None:
    found = stored(conn, [said("a", clock, 0), said("a", clock, 3), said("b", clock, 4)])
    assert found == [("a", START), ("b", START + timedelta(minutes=4))]


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    told=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(CLOCKS)), min_size=1, max_size=12
    )
)
def test_in_any_order_each_id_is_one_press_at_its_first_moment(
    conn: psycopg.Connection, told: list[tuple[str, str | None]]
) -> None:
    envelopes = [said(id, clock, minute) for minute, (id, clock) in enumerate(told)]
    firsts = {id: START + timedelta(minutes=n) for n, (id, _) in reversed([*enumerate(told)])}
    assert dict(stored(conn, envelopes)) == firsts
    assert len(stored(conn, envelopes)) == len(firsts)


def test_the_backtest_collapses_it_too() -> None:
    told = [said(id, CLOCKS[1], n) for n, id in enumerate("abab")]
    found = [each.reading for each in Recorded(None).stimuli(told)]
    assert [(each.id, each.at) for each in found] == [
        ("a", START),
        ("b", START + timedelta(minutes=1)),
    ]
