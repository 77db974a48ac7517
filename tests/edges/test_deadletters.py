"""A rejected message is read again after the mend: stored once, and in the feed."""

from collections import Counter

import psycopg
import pytest
from batches import NOON
from msgspec.structs import replace
from typer.testing import CliRunner

from core.errors import CarewatchError
from deploy.cli import app
from devices.directory import Device, Directory, RegisterChange
from devices.envelope import Envelope
from ingest import deadletters
from ingest.admission.admit import Admitted, admit
from ingest.admission.containment import contained
from ingest.history import feed_after, rejections
from ingest.store.save import AdmittedMessage, save

pytestmark = pytest.mark.edge

NOBODY = Directory()
KNOWN = NOBODY.changed(RegisterChange(devices=(Device(id="btn-7", kind="sos"),)))
PRESS = b'{"id": "1", "at": "2026-11-02T11:59:58Z", "press": "long"}'


def came(
    *payloads: bytes, device: str = "btn-7", directory: Directory = NOBODY
) -> list[AdmittedMessage]:
    topic = f"carewatch/v1/wangji/sos/{device}"
    envelopes = [Envelope(topic, payload, NOON) for payload in payloads]
    return [AdmittedMessage(envelope, admit(envelope, directory)) for envelope in envelopes]


def test_what_reads_now_is_stored_and_fed(conn: psycopg.Connection) -> None:
    assert save(conn, came(PRESS, b"{")).outcomes == ("rejected", "rejected")
    assert deadletters.replay(conn, NOBODY) == Counter(rejected=2)
    assert deadletters.replay(conn, KNOWN) == Counter(stored=1, rejected=1)
    (batch,) = feed_after(conn, 0, life=True)
    (reading,) = batch.readings
    assert (reading.device, reading.id, reading.received_at) == ("btn-7", "1", NOON)
    unread, read = rejections(conn)
    assert unread.replayed_at is None
    assert read.replayed_at is not None


def test_a_second_replay_changes_nothing(conn: psycopg.Connection) -> None:
    save(conn, came(PRESS))
    (n,) = [each.n for each in rejections(conn)]
    assert deadletters.replay(conn, KNOWN) == Counter(stored=1)
    assert deadletters.replay(conn, KNOWN) == Counter()
    assert deadletters.replay(conn, KNOWN, [n, n]) == Counter(duplicate=1)
    assert len(feed_after(conn, 0)) == 1


def test_a_number_that_there_is_not_is_named_and_nothing_is_read(conn: psycopg.Connection) -> None:
    save(conn, came(PRESS))
    (n,) = [each.n for each in rejections(conn)]
    with pytest.raises(CarewatchError, match=f"no rejected message {n + 7}; none"):
        deadletters.replay(conn, KNOWN, [n, n + 7])
    assert rejections(conn)[0].replayed_at is None


def test_only_what_is_asked_for_is_read(conn: psycopg.Connection) -> None:
    save(conn, came(PRESS, b"{", b'{"id": "2", "at": "2026-11-02T11:59:59Z"}'))
    assert deadletters.replay(conn, KNOWN, reason="not_json") == Counter(rejected=1)
    assert deadletters.replay(conn, KNOWN, family="owntracks") == Counter()
    third = rejections(conn)[0].n
    assert deadletters.replay(conn, KNOWN, [third]) == Counter(stored=1)
    assert deadletters.replay(conn, KNOWN, since=NOON) == Counter(stored=1, rejected=1)


def test_only_one_devices_are_read(conn: psycopg.Connection) -> None:
    both = RegisterChange(devices=(Device(id="btn-7", kind="sos"), Device(id="btn-8", kind="sos")))
    for device in ("btn-7", "btn-8"):
        topic = f"carewatch/v1/wangji/sos/{device}"
        envelope = Envelope(topic, PRESS, NOON)
        save(conn, [AdmittedMessage(envelope, contained(envelope, NOBODY))])
    known = NOBODY.changed(both)
    assert [each.device for each in rejections(conn)] == ["btn-8", "btn-7"]
    assert deadletters.replay(conn, known, devices=["btn-7"]) == Counter(stored=1)
    assert deadletters.replay(conn, known, devices=["btn-9"]) == Counter()
    assert deadletters.replay(conn, known) == Counter(stored=1)


def test_many_are_read_in_the_order_they_came(conn: psycopg.Connection) -> None:
    many = deadletters.AT_ONCE + 3
    payloads = [b'{"id": "%d", "at": "2026-11-02T11:59:59Z"}' % n for n in range(many)]
    save(conn, came(*payloads))
    assert deadletters.replay(conn, KNOWN) == Counter(stored=many)
    read = [reading.id for batch in feed_after(conn, 0) for reading in batch.readings]
    assert read == [str(n) for n in range(many)]


def test_what_the_database_refuses_again_does_not_go_round(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its new rejection came while we worked: it is left for the next replay."""
    save(conn, came(PRESS))
    monkeypatch.setattr(deadletters, "contained", lambda envelope, *_: stored_never(envelope))
    assert deadletters.replay(conn, KNOWN) == Counter(rejected=1)
    assert [each.replayed_at is None for each in rejections(conn)] == [True, False]


def stored_never(envelope: Envelope) -> Admitted:
    read = admit(envelope, KNOWN)
    bad = replace(read.readings[0], id="\0")
    return replace(read, readings=(bad,))


def test_by_hand(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREWATCH_DATABASE_URL", database_url)
    save(conn, came(PRESS, b"\x1b[2J{"))
    run = CliRunner().invoke
    listed = run(app, ["deadletters", "list"]).stdout.splitlines()
    assert [line.split()[3] for line in listed] == ["not_json", "unknown_device"]
    n = listed[0].split()[0]
    assert run(app, ["deadletters", "list", "--device", "btn-8"]).stdout == ""
    shown = run(app, ["deadletters", "show", n]).stdout
    assert "topic: carewatch/v1/wangji/sos/btn-7" in shown
    assert shown.endswith("\\x1b[2J{\n")
    conn.execute("INSERT INTO device (id, kind) VALUES ('btn-7', 'sos')")
    replayed = run(app, ["deadletters", "replay"])
    assert replayed.stdout == (
        "1 stored, 0 stored before, 0 say nothing we keep, 1 still rejected\n"
    )
    assert len(run(app, ["deadletters", "list"]).stdout.splitlines()) == 1
    assert len(run(app, ["deadletters", "list", "--all"]).stdout.splitlines()) == 2
    assert run(app, ["deadletters", "show", "99"]).exception is not None
