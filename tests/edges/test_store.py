"""A batch goes into a real PostgreSQL: once, whole, in order, and the bad row alone falls out."""

from datetime import UTC, datetime, timedelta
from typing import LiteralString

import msgspec
import psycopg
import pytest
from batches import NOON, door, message, messages, position, press
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.envelope import Envelope, HttpRequest
from devices.readings import Reading, Reason, Rejection
from ingest.history import feed_after, rejections
from ingest.store.repeats import LOOK_FIRST_FOR, RepeatGuard
from ingest.store.save import LONGEST_PAYLOAD, AdmittedMessage, save

pytestmark = pytest.mark.edge


def column(conn: psycopg.Connection, query: LiteralString) -> list[object]:
    return [value for (value,) in conn.execute(query)]


def fed(conn: psycopg.Connection) -> list[tuple[int, Reading]]:
    """The whole feed with its numbers, as a reader counts them."""
    batches = feed_after(conn, 0, limit=1000)
    assert all(batch.last - batch.first + 1 == len(batch.readings) for batch in batches)
    return [(batch.first + i, each) for batch in batches for i, each in enumerate(batch.readings)]


def stored(conn: psycopg.Connection) -> list[tuple[int, Reading]]:
    """The whole table in the one order."""
    decode = msgspec.json.Decoder(Reading).decode
    rows = conn.execute("SELECT arrival, body FROM reading ORDER BY arrival")
    return [(arrival, decode(body)) for arrival, body in rows]


def test_a_repeat_in_the_batch_and_in_the_next_is_one_row(conn: psycopg.Connection) -> None:
    saved = save(conn, messages(position(1), door(1), position(1)))
    assert saved.outcomes == ("stored", "stored", "duplicate")
    again = save(conn, [*messages(door(1), position(2), position(1), press(3)), message()])
    assert again.outcomes == ("duplicate", "stored", "duplicate", "stored", "ignored")
    assert saved.stored == (position(1), door(1))
    assert again.stored == (position(2), press(3))
    assert fed(conn) == stored(conn)
    assert [reading for _, reading in fed(conn)] == [*saved.stored, *again.stored]


def test_a_batch_given_again_leaves_no_trace(conn: psycopg.Connection) -> None:
    batch = messages(position(1), door(2), press(3))
    save(conn, batch)
    before = fed(conn)
    assert save(conn, batch).outcomes == ("duplicate",) * 3
    assert fed(conn) == before == stored(conn)


def test_who_has_met_a_repeat_looks_for_them_first_for_a_while(conn: psycopg.Connection) -> None:
    guard = RepeatGuard()
    for n in range(LOOK_FIRST_FOR + 2):
        saved = save(conn, messages(position(1), press(n)), guard)
        assert saved.outcomes == (("duplicate" if n else "stored"), "stored")
    assert guard.looks_first
    for n in range(LOOK_FIRST_FOR):
        assert guard.looks_first
        save(conn, messages(door(n)), guard)
    assert not guard.looks_first
    assert len(stored(conn)) == 1 + (LOOK_FIRST_FOR + 2) + LOOK_FIRST_FOR
    assert fed(conn) == stored(conn)


def test_what_makes_a_repeat_is_device_time_and_id(conn: psycopg.Connection) -> None:
    later = NOON + timedelta(hours=1)
    kept = [
        position(1),
        position(1, device="phone-2"),
        position(1, id="other"),
        position(1, observed_at=later),
        press(1, device="phone-1", id="p1"),  # an SOS in doubt is a new press
        position(1, observed_at=None, received_at=later + timedelta(hours=1)),
    ]
    saved = save(conn, messages(*kept, position(1, lat=1.0)))
    assert saved.outcomes == ("stored",) * 6 + ("duplicate",)


def test_a_message_counts_once_whatever_it_says(conn: psycopg.Connection) -> None:
    refused = Rejection(Reason.BAD_VALUE, "lat: 91 is out of range")
    saved = save(conn, [message(position(1), position(2)), message(position(3))])
    assert saved.outcomes == ("stored", "stored")
    saved = save(
        conn,
        [
            message(position(1), position(4)),
            message(position(2), rejections=(refused,)),
            message(rejections=(refused, refused)),
        ],
    )
    assert saved.outcomes == ("stored", "duplicate", "rejected")
    assert saved.stored == (position(4),)
    assert saved.rejections == (refused,) * 3


UNSTORABLE = [
    pytest.param("a\0b", id="NUL"),
    pytest.param("\ud800", id="half a surrogate pair"),
    pytest.param("".join(chr(0x4E00 + n) for n in range(5000)), id="too long to index"),
]


@pytest.mark.parametrize("bad", UNSTORABLE)
@pytest.mark.parametrize("place", [0, 4, 9])
def test_the_bad_row_alone_is_refused(conn: psycopg.Connection, bad: str, place: int) -> None:
    batch = messages(*(position(n) for n in range(9)))
    batch.insert(place, message(door(1), door(2, id=bad), door(3)))
    saved = save(conn, batch)
    assert saved.outcomes == ("stored",) * 10
    assert [each.reason for each in saved.rejections] == [Reason.BAD_VALUE]
    assert fed(conn) == stored(conn)
    assert [reading for _, reading in stored(conn)] == list(saved.stored)
    assert len(saved.stored) == 11
    assert [each.reason for each in rejections(conn)] == ["bad_value"]


def test_nothing_but_bad_rows(conn: psycopg.Connection) -> None:
    saved = save(conn, messages(door(1, id="\0"), door(2, id="\0")))
    assert saved.outcomes == ("rejected", "rejected")
    assert fed(conn) == []


@pytest.mark.parametrize("year", [1970, 2005, 2026, 2036, 2100])
def test_a_reading_of_any_age_is_stored(conn: psycopg.Connection, year: int) -> None:
    moment = datetime(year, 1, 1, tzinfo=UTC)
    saved = save(conn, messages(position(1, observed_at=moment), door(1, observed_at=moment)))
    assert saved.outcomes == ("stored", "stored")
    assert column(conn, "SELECT at FROM reading") == [moment, moment]


def test_a_rejection_is_kept_whatever_its_words(conn: psycopg.Connection) -> None:
    refused = Rejection(Reason.NOT_JSON, "not JSON: \0 \udc80")
    request = Envelope(
        "", b"\xff\0 not json", NOON, http=HttpRequest("POST", "/osmand?id=\0", "text/plain")
    )
    save(conn, [message(rejections=(refused,), envelope=request), *messages(door(1))])
    (kept,) = rejections(conn)
    assert kept.detail == "not JSON: \\0 \\udc80"
    assert kept.envelope == request
    assert (kept.family, kept.reason, kept.replayed_at) == ("contract", "not_json", None)


def test_a_rejection_keeps_no_picture_and_no_flood(conn: psycopg.Connection) -> None:
    refused = Rejection(Reason.BAD_VALUE, "no person")
    picture = b'{"name":"x","pic":"data:image/jpeg;base64,' + b"A" * 5000 + b'"}'
    save(
        conn,
        [
            message(rejections=(refused,), envelope=Envelope("face/1", picture, NOON)),
            message(rejections=(refused,), envelope=Envelope("face/2", b"\x01" * 10**6, NOON)),
        ],
    )
    flood, cut = rejections(conn)
    assert cut.payload == b'{"name":"x","pic":"[cut]"}'
    assert len(flood.payload) == LONGEST_PAYLOAD


def test_a_batch_with_a_press_is_in_the_life_lane(conn: psycopg.Connection) -> None:
    save(conn, messages(position(1)))
    save(conn, messages(position(2), press(3)))
    (batch,) = feed_after(conn, 0, life=True)
    assert batch.readings == (position(2), press(3))


def test_listeners_are_told(conn: psycopg.Connection, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("LISTEN arrival")
        save(conn, messages(position(1)))
        save(conn, messages(press(2)))
        told = [note.payload for note in listener.notifies(timeout=120, stop_after=2)]
    assert told == ["bulk", "life"]


def test_it_commits_so_it_takes_no_open_transaction(conn: psycopg.Connection) -> None:
    with conn.transaction(), pytest.raises(ValueError, match="end the connection's transaction"):
        save(conn, messages(position(1)))


def some_reading(draw: tuple[int, int, int]) -> Reading:
    what, n, key = draw
    make = (position, door, press)[what]
    return make(n, id=("a", "b", "\0")[key], device="d")


MESSAGES = st.lists(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 2)), max_size=3).map(
        lambda draws: message(*map(some_reading, draws))
    ),
    max_size=8,
)


@settings(
    max_examples=60,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(MESSAGES, max_size=4))
def test_any_batches_agree_with_a_plain_model(
    conn: psycopg.Connection, batches: list[list[AdmittedMessage]]
) -> None:
    conn.execute("TRUNCATE reading_track, reading_event, arrival_log, rejection")
    model: dict[object, Reading] = {}
    guard = RepeatGuard()
    for batch in batches:
        expected = []
        for each in batch:
            good = [reading for reading in each.admitted.readings if reading.id != "\0"]
            new = [reading for reading in good if reading.key not in model]
            for reading in new:
                model.setdefault(reading.key, reading)
            if new:
                expected.append("stored")
            elif good:
                expected.append("duplicate")
            else:
                expected.append("rejected" if each.admitted.readings else "ignored")
        assert list(save(conn, batch, guard).outcomes) == expected
    assert fed(conn) == stored(conn)
    assert {reading.key: reading for _, reading in stored(conn)} == model
