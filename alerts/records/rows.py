"""Rows of one text column, as every reader of alerts wants them."""

import psycopg
from psycopg.rows import scalar_row


def bodies(
    conn: psycopg.Connection, sql: str, values: tuple[object, ...] | dict[str, object]
) -> list[str]:
    """Return the values of a query's only column."""
    return conn.cursor(row_factory=scalar_row).execute(sql.encode(), values).fetchall()
