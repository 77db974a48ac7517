"""Insert many rows by one statement: a column is one array, and PostgreSQL unnests them."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import LiteralString

import psycopg
from psycopg import sql

Column = tuple[str, str]  # name and PostgreSQL type
STATEMENTS = 64  # kept as built; there are about a dozen in all


def insert_many(
    conn: psycopg.Connection,
    table: str,
    columns: Mapping[Column, Sequence[object]],
    *,
    change: bool = False,
    on_conflict: LiteralString | None = None,
) -> None:
    """Insert the rows that `columns` hold, in the caller's transaction.

    A key of `columns` is a column's name and PostgreSQL type; its values are as many as there are
    rows. With `change` each row also gets the next number of the sequence `change` in its column
    `changed`. `on_conflict` is what follows ON CONFLICT. Does nothing without rows. Raises
    psycopg.Error.
    """
    if not any(columns.values()):
        return
    conn.execute(_statement(table, tuple(columns), change, on_conflict), list(columns.values()))


def update_on(key: LiteralString, *columns: LiteralString) -> LiteralString:
    """Return the conflict clause by which a row of the same `key` takes these columns over."""
    return f"({key}) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in columns)


@lru_cache(maxsize=STATEMENTS)
def _statement(
    table: str,
    columns: tuple[Column, ...],
    change: bool,
    on_conflict: LiteralString | None,
) -> bytes:
    names = [name for name, _ in columns] + (["changed"] if change else [])
    return (
        sql.SQL("INSERT INTO {} ({}) SELECT *{} FROM unnest({}){}")
        .format(
            sql.Identifier(table),
            _names(names),
            sql.SQL(", nextval('change')" if change else ""),
            sql.SQL(", ").join(_array(type) for _, type in columns),
            sql.SQL(f" ON CONFLICT {on_conflict}" if on_conflict else ""),
        )
        .as_bytes(None)
    )


def _names(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _array(type: str) -> sql.Composed:
    """Return a placeholder for one column: JSON is sent as text, bytes in binary form."""
    form = {"jsonb": "%s::text[]::jsonb[]", "bytea": "%b::bytea[]"}.get(type)
    if form is not None:
        return sql.Composed([sql.SQL(form)])
    return sql.SQL("%s::{}[]").format(sql.Identifier(type))
