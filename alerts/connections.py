"""Connections to the database that notice a peer which is gone."""

import psycopg
from psycopg.conninfo import make_conninfo


def conninfo(database_url: str, name: str) -> str:
    """The URL with time limits, and our name for `pg_stat_activity`."""
    return make_conninfo(
        database_url,
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        application_name=f"carewatch alerts {name}",
    )


def connect(database_url: str, name: str) -> psycopg.Connection:
    """A connection in autocommit mode. Raises psycopg.OperationalError."""
    conn = psycopg.connect(conninfo(database_url, name), autocommit=True)
    hasten(conn)
    return conn


def hasten(conn: psycopg.Connection) -> None:
    """Let commits not wait for the disk: an SOS should not either.

    Whatever a crash of the database takes with it (less than a second) is concluded again from
    the feed, whose commits do wait; a page that had left is sent once more under the same id.
    """
    conn.execute("SET synchronous_commit = off")


def first_line(error: Exception) -> str:
    """What the database said, on one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
