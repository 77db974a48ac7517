"""Brings the schema up: numbered SQL files, each run once, in one transaction, in order."""

import re
from pathlib import Path

import msgspec
import psycopg
from psycopg.rows import scalar_row

from core.errors import CarewatchError
from core.locks import Lock
from ingest.store import upkeep

MIGRATIONS = Path(__file__).parent / "migrations"
NAME = re.compile(r"(\d{4})_\w+\.sql")


class Migration(msgspec.Struct, frozen=True):
    """One numbered file."""

    number: int
    name: str
    sql: str


def migrations(directory: Path = MIGRATIONS) -> list[Migration]:
    """Return all migrations in order of their numbers."""
    found = [
        Migration(int(match[1]), path.name, path.read_text(encoding="utf-8"))
        for path in sorted(directory.iterdir())
        if (match := NAME.fullmatch(path.name))
    ]
    numbers = [migration.number for migration in found]
    if len(set(numbers)) != len(numbers):
        raise CarewatchError(f"two migrations in {directory} share a number: renumber the newer")
    return found


def migrate(conn: psycopg.Connection, directory: Path = MIGRATIONS) -> list[str]:
    """Run what has not been run yet, all in one transaction; returns the names of the files run.

    Several processes may call it at once: one works, the others wait and find nothing to do.
    The first run decides for hypertables or native partitions, and the choice stays.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (Lock.MIGRATION,))
        conn.execute(
            "CREATE TABLE IF NOT EXISTS migration (number int PRIMARY KEY, name text NOT NULL,"
            " run_at timestamptz NOT NULL DEFAULT now())"
        )
        done = set(conn.cursor(row_factory=scalar_row).execute("SELECT number FROM migration"))
        waiting = [migration for migration in migrations(directory) if migration.number not in done]
        if not done:
            _add_timescaledb(conn)
        for migration in waiting:
            conn.execute(migration.sql.encode())
            conn.execute(
                "INSERT INTO migration (number, name) VALUES (%s, %s)",
                (migration.number, migration.name),
            )
    upkeep.run(conn)
    return [migration.name for migration in waiting]


def _add_timescaledb(conn: psycopg.Connection) -> None:
    """Use the extension where the server has preloaded it and lets us have it.

    Not preloaded, CREATE EXTENSION would end the connection; the loader's own setting tells.
    """
    ready = conn.execute(
        "SELECT FROM pg_available_extensions WHERE name = 'timescaledb'"
        " AND current_setting('timescaledb.disable_load', true) IS NOT NULL"
    )
    if ready.fetchone() is None:
        return
    try:
        with conn.transaction():
            conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except psycopg.Error:  # not allowed, or another version is loaded: native partitions serve too
        return
