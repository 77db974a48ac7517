"""What devices announce is stored once, followed by every process, and kept when withdrawn."""

from datetime import timedelta

import psycopg
import pytest
from batches import NOON

from devices.directory import Device, Directory, RegisterChange
from devices.envelope import Envelope
from ingest import deadletters
from ingest.admission.admit import admit
from ingest.lanes.announcements import Announcements
from ingest.store.announcements import announcements, keep
from ingest.store.save import AdmittedMessage, save

pytestmark = pytest.mark.edge

TOPIC = "homeassistant/binary_sensor/x/config"
DOOR = b'{"stat_t": "house/door", "dev_cla": "door", "pl_on": "offen", "pl_off": "zu"}'
TOWN = Directory().changed(
    RegisterChange(devices=(Device(id="door-1", kind="door", topic="house/door"),))
)


def announce(conn: psycopg.Connection, payload: bytes, minutes: int = 0) -> None:
    at = NOON + timedelta(minutes=minutes)
    own = admit(Envelope(TOPIC, payload, at), TOWN).announcement
    assert own is not None
    keep(conn, [(own, at)])


def test_the_same_again_changes_nothing_and_another_counts(conn: psycopg.Connection) -> None:
    announce(conn, DOOR)
    (first,) = announcements(conn)
    announce(conn, DOOR, minutes=1)
    assert announcements(conn, since=first.version) == []
    announce(conn, DOOR.replace(b"offen", b"open"), minutes=2)
    (second,) = announcements(conn, since=first.version)
    assert (second.first_at, second.announced_at) == (NOON, NOON + timedelta(minutes=2))
    announce(conn, DOOR, minutes=1)  # delivered late by another process
    assert announcements(conn, since=second.version) == []


def test_another_process_follows_and_reads_by_it(conn: psycopg.Connection) -> None:
    followed = Announcements()
    followed.refresh(conn, TOWN)
    message = Envelope("house/door", b"offen", NOON)
    assert not admit(message, TOWN, followed.current).readings
    announce(conn, DOOR)
    followed.refresh(conn, TOWN)
    assert admit(message, TOWN, followed.current).readings
    before = followed.current
    followed.refresh(conn, TOWN)
    assert followed.current is before


def test_what_is_withdrawn_is_kept_as_withdrawn(conn: psycopg.Connection) -> None:
    announce(conn, DOOR)
    announce(conn, b"", minutes=1)
    (kept,) = announcements(conn)
    assert kept.withdrawn_at == NOON + timedelta(minutes=1)
    started_anew = Announcements()
    started_anew.refresh(conn, TOWN)
    assert admit(Envelope("house/door", b"zu", NOON), TOWN, started_anew.current).readings
    announce(conn, DOOR, minutes=2)
    (again,) = announcements(conn)
    assert again.withdrawn_at is None


def test_one_that_its_account_may_not_make_any_more_is_left_out(conn: psycopg.Connection) -> None:
    announce(conn, DOOR)
    taken = RegisterChange(devices=(Device(id="x", kind="door", topic="other/place"),))
    (row,) = announcements(conn)
    assert row.read(TOWN) is not None
    assert row.read(TOWN.changed(taken)) is None


def test_a_dead_letter_is_read_by_what_was_announced_since(conn: psycopg.Connection) -> None:
    message = Envelope("house/bell", b"7", NOON)
    said = b'{"stat_t": "house/bell", "pl_on": "7", "pl_off": "8"}'
    save(conn, [AdmittedMessage(message, admit(message, Directory()))])
    bell = RegisterChange(devices=(Device(id="btn-1", kind="sos", topic="house/bell"),))
    announce(conn, said)
    assert deadletters.replay(conn, TOWN.changed(bell))["stored"] == 1
