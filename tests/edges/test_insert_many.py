"""Many rows in one statement, as PostgreSQL stores them."""

import psycopg
import pytest

from core.insert_many import insert_many, update_on

pytestmark = pytest.mark.edge


@pytest.fixture
def table(conn: psycopg.Connection) -> str:
    conn.execute(
        'CREATE TEMPORARY TABLE "of test" (id text PRIMARY KEY, n int, body jsonb, raw bytea,'
        " changed bigint)"
    )
    return "of test"


def stored(conn: psycopg.Connection) -> list[tuple[object, ...]]:
    return conn.execute('SELECT id, n, body, raw FROM "of test" ORDER BY id').fetchall()


def put(conn: psycopg.Connection, table: str, ids: list[str], n: int) -> None:
    insert_many(
        conn,
        table,
        {
            ("id", "text"): ids,
            ("n", "int4"): [n] * len(ids),
            ("body", "jsonb"): ['{"a": [1]}'] * len(ids),
            ("raw", "bytea"): [b"\0\xff"] * len(ids),
        },
        on_conflict=update_on("id", "n"),
    )


def test_each_type_is_stored_as_it_is(conn: psycopg.Connection, table: str) -> None:
    put(conn, table, ["a", "b"], 1)
    assert stored(conn) == [(id, 1, {"a": [1]}, b"\0\xff") for id in "ab"]


def test_no_rows_are_no_statement(conn: psycopg.Connection, table: str) -> None:
    put(conn, table, [], 1)
    assert stored(conn) == []


def test_a_row_of_the_same_key_is_updated(conn: psycopg.Connection, table: str) -> None:
    put(conn, table, ["a"], 1)
    put(conn, table, ["a", "b"], 2)
    assert [row[:2] for row in stored(conn)] == [("a", 2), ("b", 2)]


def test_a_row_that_is_there_may_stay(conn: psycopg.Connection, table: str) -> None:
    for n in (1, 2):
        values = {("id", "text"): ["a"], ("n", "int4"): [n]}
        insert_many(conn, table, values, on_conflict="DO NOTHING")
    assert [row[:2] for row in stored(conn)] == [("a", 1)]


def test_each_row_gets_a_number_of_its_change(conn: psycopg.Connection, table: str) -> None:
    insert_many(conn, table, {("id", "text"): ["a", "b"]}, change=True)
    numbers = conn.execute('SELECT changed FROM "of test" ORDER BY id').fetchall()
    assert numbers[1][0] == numbers[0][0] + 1
