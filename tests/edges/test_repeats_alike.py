"""The store and a backtest take the same messages for repeats, whatever devices say."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.recorded import Recorded
from devices.envelope import Envelope
from devices.readings import Reading
from ingest.admission.admit import admit
from ingest.store.save import AdmittedMessage, save

pytestmark = pytest.mark.edge

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
BODIES: dict[str, dict[str, Any]] = {
    "position": {"lat": 35.24, "lon": 115.48},
    "door": {"open": True},
    "sos": {"press": "short"},
    "face": {"person": "p-1", "score": 0.9},
    "visit": {"action": "check_in"},
    "status": {"online": True},
}


def said(device: str, kind: str, seconds: int, ident: Any) -> Envelope:
    """One message of the contract, received a minute after it was made."""
    at = NOON + timedelta(seconds=seconds)
    body = {**BODIES[kind], "at": at.isoformat(), "id": ident}
    topic = f"carewatch/v1/wangji/{kind}/{device}"
    return Envelope(topic, json.dumps(body).encode(), NOON + timedelta(minutes=1))


MESSAGES = st.lists(
    st.builds(
        said,
        st.sampled_from(["btn-1", "hub-1"]),
        st.sampled_from(sorted(BODIES)),
        st.integers(0, 1),
        st.sampled_from(["1", "2", None, 7, "", "x" * 300]),
    ),
    max_size=25,
)


def stored(conn: psycopg.Connection, envelopes: list[Envelope], each: int) -> list[Reading]:
    """What the store keeps of the messages, given it in batches of `each`."""
    admitted = [AdmittedMessage(one, admit(one, None)) for one in envelopes]
    batches = [admitted[n : n + each] for n in range(0, len(admitted), each)]
    return [reading for batch in batches for reading in save(conn, batch).stored]


def backtested(envelopes: list[Envelope]) -> list[Reading]:
    """What a backtest judges of them."""
    return [stimulus.reading for stimulus in Recorded(None).stimuli(envelopes)]


@settings(
    max_examples=40,
    suppress_health_check=list(HealthCheck),
)
@given(envelopes=MESSAGES, each=st.integers(1, 25))
def test_both_collapse_the_same_stream_alike(
    conn: psycopg.Connection, envelopes: list[Envelope], each: int
) -> None:
    conn.execute("TRUNCATE reading_track, reading_event, arrival_log")
    conn.commit()
    kept = stored(conn, envelopes, each)
    assert kept == backtested(envelopes)
    assert len({(one.device, one.at, one.id, type(one)) for one in kept}) == len(kept)


def test_a_press_is_never_taken_for_another_message_of_its_device(
    conn: psycopg.Connection,
) -> None:
    envelopes = [said("hub-1", kind, 0, "1") for kind in (*BODIES, *BODIES)]
    kept = stored(conn, envelopes, 2)
    assert len(kept) == len(BODIES)
    assert kept == backtested(envelopes)
