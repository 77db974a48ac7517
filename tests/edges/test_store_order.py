"""Several writers and a reader who follows them: no number is overtaken, no reading lost."""

import random
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from batches import door, messages, position, press

from core.locks import Lock
from devices.readings import Reading
from ingest.history import feed_after
from ingest.store.save import save

pytestmark = pytest.mark.edge

ROUNDS = 80  # batches a writer
WRITERS = 3


def written(database_url: str, writer: int) -> list[Reading]:
    """Save random batches, some of whose readings other writers save too; what was new."""
    rng = random.Random(writer)
    new: list[Reading] = []
    with psycopg.connect(database_url, autocommit=True) as conn:
        for _ in range(ROUNDS):
            makes = rng.choices((position, door, press), (6, 3, 1), k=rng.choice((1, 2, 30)))
            batch = messages(*(make(rng.randrange(2000)) for make in makes))
            new += save(conn, batch).stored
    return new


def appended(database_url: str, done: threading.Event) -> int:
    """Append to the inbox meanwhile, as the desk does; how many entries."""
    count = 0
    with psycopg.connect(database_url, autocommit=True) as conn:
        while not done.is_set():
            with conn.transaction():
                conn.execute("SELECT pg_advisory_xact_lock(%s)", (Lock.ARRIVAL,))
                conn.execute(
                    "INSERT INTO inbox (arrival, at, type, body)"
                    " VALUES (nextval('arrival'), now(), 'noted', '{}')"
                )
            count += 1
    return count


def followed(database_url: str, done: threading.Event, *, life: bool) -> list[tuple[int, Reading]]:
    """Read the feed to its end by nothing but the last number seen."""
    seen: list[tuple[int, Reading]] = []
    after = 0
    with psycopg.connect(database_url, autocommit=True) as conn:
        while True:
            was_done = done.is_set()
            batches = feed_after(conn, after, life=life, limit=7)
            for batch in batches:
                seen += zip(range(batch.first, batch.last + 1), batch.readings, strict=True)
                after = batch.last
            if was_done and not batches:
                return seen


def test_no_reader_is_overtaken_and_nothing_is_stored_twice(database_url: str) -> None:
    done, read = threading.Event(), threading.Event()
    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(written, database_url, n) for n in range(WRITERS)]
        entries = pool.submit(appended, database_url, done)
        main = pool.submit(followed, database_url, read, life=False)
        life = pool.submit(followed, database_url, read, life=True)
        stored = [reading for writer in writers for reading in writer.result()]
        done.set()
        assert entries.result() > 0
        read.set()
        assert_complete(database_url, stored, main, life)


def assert_complete(
    database_url: str,
    stored: list[Reading],
    main: Future[list[tuple[int, Reading]]],
    life: Future[list[tuple[int, Reading]]],
) -> None:
    seen = main.result()
    with psycopg.connect(database_url) as conn:
        rows = conn.execute("SELECT arrival, device, id FROM reading ORDER BY arrival").fetchall()
        inbox = {arrival for (arrival,) in conn.execute("SELECT arrival FROM inbox")}
    assert rows == [(arrival, reading.device, reading.id) for arrival, reading in seen]
    assert len(stored) == len(seen)
    assert len({(reading.device, reading.id) for _, reading in seen}) == len(seen)
    assert inbox.isdisjoint(arrival for arrival, _ in seen)
    presses = [each for each in seen if each[1].device == "btn-1"]
    assert [each for each in life.result() if each[1].device == "btn-1"] == presses
