"""Connections to PostgreSQL: one way to open them, with the time limits that all rooms need."""

import psycopg
from psycopg.conninfo import make_conninfo

CONNECT_TIMEOUT = 5  # seconds; a database that is there answers in milliseconds
# A peer that vanished without a word (a cable, a frozen machine) is given up after
# 10 + 3 * 5 = 25 seconds, where Linux by itself would wait for two hours.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


def conninfo(database_url: str, name: str) -> str:
    """Return the URL with time limits, and `name` as `pg_stat_activity` shows it."""
    return make_conninfo(
        database_url, connect_timeout=CONNECT_TIMEOUT, application_name=name, **KEEPALIVES
    )


def connect(database_url: str, name: str, *, autocommit: bool = True) -> psycopg.Connection:
    """Open a connection that notices a peer which is gone. Raises psycopg.OperationalError."""
    return psycopg.connect(conninfo(database_url, name), autocommit=autocommit)


def first_line(error: Exception) -> str:
    """Return what an error says, short enough for one line of a log."""
    return (str(error).splitlines() or [type(error).__name__])[0]
