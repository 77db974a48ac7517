"""Connections of the alerts process, whose commits do not wait for the disk."""

import psycopg

from core import database


def conninfo(database_url: str, name: str) -> str:
    """Return the URL with time limits, and our name for `pg_stat_activity`."""
    return database.conninfo(database_url, f"carewatch alerts {name}")


def connect(database_url: str, name: str) -> psycopg.Connection:
    """Open a connection in autocommit mode. Raises psycopg.OperationalError."""
    conn = database.connect(database_url, f"carewatch alerts {name}")
    commit_without_the_disk(conn)
    return conn


def commit_without_the_disk(conn: psycopg.Connection) -> None:
    """Let commits on this connection not wait for the disk, so that an SOS does not either.

    Whatever a crash of the database takes with it (less than a second) is concluded again from
    the feed, whose commits do wait; a page that had left is sent once more under the same id.
    """
    conn.execute("SET synchronous_commit = off")
