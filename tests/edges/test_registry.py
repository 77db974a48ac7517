"""The register in a real PostgreSQL: written, loaded, compared and followed."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from alerts.desk import append
from alerts.types import TownChanged
from core.errors import CarewatchError
from devices import registry
from devices.directory import (
    Area,
    Away,
    Caregiver,
    Circle,
    Client,
    Device,
    Directory,
    Facility,
    RegisterChange,
    Resident,
)

pytestmark = pytest.mark.edge
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)
REGISTER = RegisterChange(
    areas=(
        Area(
            id="a",
            name="王集",
            boundary={"type": "Polygon", "coordinates": [[[1, 1.5], [2, 1], [2, 2], [1, 1.5]]]},
        ),
        Area(id="b", parent="a"),
    ),
    clients=(
        Client(
            id="c-1",
            area="b",
            care_level="full",
            home=Circle(lat=35.24, lon=115.48),
            away=(Away(from_=NOON, until=NOON.replace(hour=9), reason="hospital"),),
        ),
    ),
    caregivers=(Caregiver(id="g-1", base=Circle(lat=35.2, lon=115.4, radius=3000)),),
    facilities=(Facility(id="f-1", area="b"),),
    residents=(Resident(id="r-1", facility="f-1", face="0012"),),
    devices=(
        Device(id="btn", kind="sos", holder="client:c-1"),
        Device(id="cam", kind="terminal", topic="t/1", datum="gcj02", sos_press=("hold",)),
        Device(id="door", kind="door", holder="client:c-1", topic="t/2", maintenance=True),
    ),
)


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url) as conn:
        yield conn


def test_what_is_written_is_what_is_loaded(conn: psycopg.Connection) -> None:
    registry.apply(conn, REGISTER)
    loaded = registry.load_directory(conn)
    assert registry.diff(loaded, REGISTER) == RegisterChange()
    assert loaded.held_by("client:c-1") == (REGISTER.devices[0], REGISTER.devices[2])
    assert loaded.device_on("t/1") == REGISTER.devices[1]


def test_an_empty_database_is_an_empty_town(conn: psycopg.Connection) -> None:
    directory, since = registry.load_snapshot(conn)
    assert (len(directory.devices), since, directory.timezone) == (0, 0, "Asia/Shanghai")


def test_a_difference_holds_just_what_differs(conn: psycopg.Connection) -> None:
    registry.apply(conn, REGISTER)
    wanted = RegisterChange(
        areas=REGISTER.areas,
        clients=(Client(id="c-1", area="a"), Client(id="c-2", area="b")),
        caregivers=REGISTER.caregivers,
        facilities=REGISTER.facilities,
        residents=REGISTER.residents,
        devices=REGISTER.devices[:2],
    )
    change = registry.diff(registry.load_directory(conn), wanted)
    assert change == RegisterChange(clients=wanted.clients, removed={"devices": ("door",)})
    registry.apply(conn, change)
    assert registry.diff(registry.load_directory(conn), wanted) == RegisterChange()


def test_two_devices_may_swap_their_topics(conn: psycopg.Connection) -> None:
    registry.apply(conn, REGISTER)
    swapped = (Device(id="cam", topic="t/2"), Device(id="door", topic="t/1"))
    registry.apply(conn, RegisterChange(devices=swapped))
    found = registry.load_directory(conn).device_on("t/1")
    assert found is not None
    assert found.id == "door"


def test_a_taken_topic_is_named(conn: psycopg.Connection) -> None:
    registry.apply(conn, REGISTER)
    with pytest.raises(CarewatchError, match=r"device topic is taken: .*t/1"):
        registry.apply(conn, RegisterChange(devices=(Device(id="new", topic="t/1"),)))


def changed(conn: psycopg.Connection, change: RegisterChange, zone: str | None = None) -> None:
    """One committed change, as a load makes it."""
    registry.apply(conn, change)
    append(conn, TownChanged(at=NOON, timezone=zone, register=change))
    conn.commit()


def test_a_snapshot_follows_what_is_committed_later(
    conn: psycopg.Connection, database_url: str
) -> None:
    changed(conn, REGISTER)
    with psycopg.connect(database_url) as reader:
        directory, since = registry.load_snapshot(reader)
        assert registry.refresh(reader, directory, since) == (directory, since)
        changed(conn, RegisterChange(devices=(Device(id="new", topic="t/9"),)))
        changed(conn, RegisterChange(removed={"devices": ("cam",)}), zone="Asia/Urumqi")
        after, later = registry.refresh(reader, directory, since)
    assert later > since
    assert after.timezone == "Asia/Urumqi"
    assert after.device_on("t/9") == Device(id="new", topic="t/9")
    assert "cam" not in after.devices
    assert "cam" in directory.devices  # the snapshot others still hold
    assert directory.timezone == "Asia/Shanghai"


def test_nothing_new_gives_the_very_same_directory(conn: psycopg.Connection) -> None:
    directory = Directory()
    assert registry.refresh(conn, directory, 0)[0] is directory


def test_a_change_read_twice_does_no_harm(conn: psycopg.Connection) -> None:
    changed(conn, REGISTER)
    directory, since = registry.load_snapshot(conn)
    again, _ = registry.refresh(conn, directory, 0)
    assert since > 0
    assert registry.diff(again, REGISTER) == RegisterChange()
    assert again.held_by("client:c-1") == directory.held_by("client:c-1")
