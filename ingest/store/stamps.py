"""How far terminals have uploaded, kept for their next start."""

import psycopg
from psycopg.rows import scalar_row

from devices.codecs.http_answers import NEVER, Stamp


def stamp_of(conn: psycopg.Connection, terminal: str) -> str:
    """Return what the terminal last said, or `NEVER`. Raises psycopg.Error."""
    found = (
        conn.cursor(row_factory=scalar_row)
        .execute("SELECT stamp FROM push_stamp WHERE terminal = %s", (terminal,))
        .fetchone()
    )
    return NEVER if found is None else str(found)


def keep_stamp(conn: psycopg.Connection, said: Stamp) -> None:
    """Remember it. Raises psycopg.Error."""
    conn.execute(
        "INSERT INTO push_stamp AS known (terminal, stamp) VALUES (%s, %s)"
        " ON CONFLICT (terminal) DO UPDATE SET stamp = excluded.stamp"
        " WHERE known.stamp <> excluded.stamp",
        (said.terminal, said.stamp),
    )
