"""The register in PostgreSQL: loaded into a `Directory`, changed item by item, followed.

Table by table the rows are what a town file states (`body`), devices as columns because there
may be a million of them. Who changes the register holds `lock_town` until commit.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row, scalar_row, tuple_row

from core.errors import CarewatchError
from core.insert_many import insert_many, update_on
from core.locks import Lock
from devices.directory import SECTIONS, Device, Directory, Item, RegisterChange
from devices.names import is_reserved, reserved_fault

TABLES = {
    "areas": "area",
    "agencies": "agency",
    "clients": "client",
    "caregivers": "caregiver",
    "facilities": "facility",
    "residents": "resident",
    "devices": "device",
}
COLUMNS = ("id", "kind", "holder", "topic")  # of `device`; its other fields are in `extra`
FETCH = 50_000  # device rows a round trip


def lock_town(conn: psycopg.Connection) -> datetime:
    """Wait until no other transaction changes register or plans; held until commit.

    Returns the moment that the change counts from, by the database's clock.
    """
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT clock_timestamp() FROM pg_advisory_xact_lock(%s)", (Lock.TOWN,)
    )
    moment: datetime = found.fetchone()  # type: ignore[assignment]  # one row, always
    return moment.astimezone(UTC)


def load_directory(conn: psycopg.Connection) -> Directory:
    """Return the whole register as it stands. A million devices take some ten seconds."""
    return load_snapshot(conn)[0]


def load_snapshot(conn: psycopg.Connection) -> tuple[Directory, int]:
    """Return the register and the inbox arrival from which `refresh` has to follow it.

    What changes while it is read is read again by `refresh`: a change holds whole items, so
    taking it twice does no harm.
    """
    with conn.transaction():
        since = _last_arrival(conn, 0)
        stored = {section: tuple(_items(conn, section)) for section in SECTIONS}
        directory = Directory(_timezone(conn) or Directory().timezone)
    return directory.changed(RegisterChange(**stored)), since  # type: ignore[arg-type]


def refresh(conn: psycopg.Connection, directory: Directory, since: int) -> tuple[Directory, int]:
    """Return the register after all changes that arrived behind `since`, and where to go on from.

    One short query; the very same directory comes back when nothing changed.
    """
    with conn.transaction():
        until = _last_arrival(conn, since)
        rows = conn.execute(
            "SELECT (body -> 'register')::text, body ->> 'timezone' FROM inbox"
            " WHERE arrival > %s AND arrival <= %s AND type = 'town_changed' ORDER BY arrival",
            (since, until),
        ).fetchall()
    for register, timezone in rows:
        directory = directory.changed(msgspec.json.decode(register, type=RegisterChange))
        directory.timezone = timezone or directory.timezone
    return directory, until


def diff(directory: Directory, wanted: RegisterChange) -> RegisterChange:
    """Return what makes `directory` hold exactly the items of `wanted`. Pure."""
    changed: dict[str, Any] = {}
    removed: dict[str, tuple[str, ...]] = {}
    for section in SECTIONS:
        shelf, items = getattr(directory, section), getattr(wanted, section)
        changed[section] = tuple(item for item in items if shelf.get(item.id) != item)
        kept = {item.id for item in items}
        gone = tuple(item.id for item in shelf if item.id not in kept)
        if gone:
            removed[section] = gone
    return RegisterChange(**changed, removed=removed)


def apply(conn: psycopg.Connection, change: RegisterChange, *, in_file: bool = False) -> None:
    """Write a change into the tables, in the caller's transaction.

    `in_file` marks devices as named by a town file. Raises CarewatchError when a topic is taken,
    or when a device is named like a service.
    """
    for section, ids in change.removed.items():
        remove(conn, TABLES[section], ids)
    for section in SECTIONS:
        items = getattr(change, section)
        if not items:
            continue
        if section == "devices":
            _put_devices(conn, items, in_file)
        else:
            put(conn, TABLES[section], items)


def put(conn: psycopg.Connection, table: str, items: tuple[Any, ...]) -> None:
    """Insert or replace items with an `id` in a table of (id, body)."""
    insert_many(
        conn,
        table,
        {
            ("id", "text"): [item.id for item in items],
            ("body", "jsonb"): [msgspec.json.encode(item).decode() for item in items],
        },
        on_conflict=update_on("id", "body"),
    )


def remove(conn: psycopg.Connection, table: str, ids: Iterable[str]) -> None:
    """Delete items by id."""
    query = sql.SQL("DELETE FROM {} WHERE id = ANY(%s)").format(sql.Identifier(table))
    conn.execute(query, (list(ids),))


def set_timezone(conn: psycopg.Connection, timezone: str) -> bool:
    """Keep the town's zone; True when it changed."""
    if _timezone(conn) == timezone:
        return False
    conn.execute(
        "INSERT INTO town (timezone) VALUES (%s)"
        " ON CONFLICT (one) DO UPDATE SET timezone = excluded.timezone",
        (timezone,),
    )
    return True


def claim(conn: psycopg.Connection, ids: Iterable[str]) -> None:
    """Mark devices as named by a town file, also those added by hand before."""
    conn.execute(
        "UPDATE device SET in_file = true WHERE NOT in_file AND id = ANY(%s)", (list(ids),)
    )


def added_by_hand(conn: psycopg.Connection, ids: Iterable[str]) -> set[str]:
    """Return which of these devices no town file has ever named: a load leaves them alone."""
    found = conn.cursor(row_factory=scalar_row).execute(
        "SELECT id FROM device WHERE NOT in_file AND id = ANY(%s)", (list(ids),)
    )
    return set(found)


class Standing(msgspec.Struct, frozen=True):
    """How far the register has taken a device, and since when; None: not, or from before this was
    kept."""

    id: str
    registered_at: datetime | None
    has_secret: bool
    secret_at: datetime | None
    revoked_at: datetime | None
    in_file: bool  # a town file names it
    in_file_at: datetime | None


def standings(conn: psycopg.Connection, ids: Iterable[str]) -> dict[str, Standing]:
    """Return how far these devices have come; those that are not registered are left out."""
    cursor = conn.cursor(row_factory=class_row(Standing))
    found = cursor.execute(
        "SELECT id, registered_at, secret_hash IS NOT NULL AS has_secret, secret_at, revoked_at,"
        " in_file, in_file_at FROM device WHERE id = ANY(%s)",
        (list(ids),),
    )
    return {one.id: one for one in found}


def exists(conn: psycopg.Connection, section: str, key: str) -> bool:
    """Return True if an item is in the register."""
    table = sql.Identifier(TABLES[section])
    query = sql.SQL("SELECT 1 FROM {} WHERE id = %s").format(table)
    return conn.execute(query, (key,)).fetchone() is not None


def _timezone(conn: psycopg.Connection) -> str | None:
    return conn.cursor(row_factory=scalar_row).execute("SELECT timezone FROM town").fetchone()


def _last_arrival(conn: psycopg.Connection, since: int) -> int:
    found = conn.cursor(row_factory=scalar_row).execute("SELECT max(arrival) FROM inbox").fetchone()
    return max(found or 0, since)


def _items(conn: psycopg.Connection, section: str) -> Iterator[Item]:
    if section == "devices":
        yield from _devices(conn)
        return
    table, kind = sql.Identifier(TABLES[section]), SECTIONS[section]
    rows = conn.cursor(row_factory=scalar_row).execute(
        sql.SQL("SELECT body::text FROM {} ORDER BY id").format(table)
    )
    decoder = msgspec.json.Decoder(kind)
    yield from (decoder.decode(body) for body in rows)


def _devices(conn: psycopg.Connection) -> Iterator[Device]:
    with conn.cursor("devices", row_factory=tuple_row) as cursor:
        cursor.itersize = FETCH
        cursor.execute(
            "SELECT id, kind, holder, topic, nullif(extra, '{}')::text FROM device ORDER BY id"
        )
        for id, kind, holder, topic, extra in cursor:
            if extra is None:
                yield Device(id=id, kind=kind, holder=holder, topic=topic)
                continue
            row = dict(zip(COLUMNS, (id, kind, holder, topic), strict=True))
            yield msgspec.convert({**msgspec.json.decode(extra), **row}, Device)


_LATEST_DEVICE = (
    update_on("id", "kind", "holder", "topic", "extra")
    + ", in_file = device.in_file OR excluded.in_file"
)


def _put_devices(conn: psycopg.Connection, devices: tuple[Device, ...], in_file: bool) -> None:
    ids = [device.id for device in devices]
    reserved = next((device for device in ids if is_reserved(device)), None)
    if reserved is not None:
        raise CarewatchError(reserved_fault(reserved))
    # Two devices may swap their topics: give up the old ones first.
    conn.execute("UPDATE device SET topic = NULL WHERE topic IS NOT NULL AND id = ANY(%s)", (ids,))
    try:
        insert_many(
            conn,
            "device",
            {
                ("id", "text"): ids,
                ("kind", "text"): [device.kind for device in devices],
                ("holder", "text"): [device.holder for device in devices],
                ("topic", "text"): [device.topic for device in devices],
                ("extra", "jsonb"): [_extra(device) for device in devices],
                ("in_file", "bool"): [in_file] * len(devices),
            },
            on_conflict=_LATEST_DEVICE,
        )
    except psycopg.errors.UniqueViolation as clash:
        raise CarewatchError(
            f"device topic is taken: {clash.diag.message_detail} "
            "`carewatch device list` says by which device"
        ) from None
    if in_file:
        conn.execute(
            "UPDATE device SET in_file_at = now() WHERE in_file_at IS NULL AND id = ANY(%s)", (ids,)
        )


def _extra(device: Device) -> str:
    """Return the fields that have no column, where they differ from their defaults."""
    plain = Device(id="")
    rest = {
        field: value
        for field in Device.__struct_fields__
        if field not in COLUMNS and (value := getattr(device, field)) != getattr(plain, field)
    }
    return msgspec.json.encode(rest).decode()
