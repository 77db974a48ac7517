"""The schema comes up once, whichever process brings it up."""

import psycopg
import pytest

from deploy.migrate import migrate, migrations

pytestmark = pytest.mark.edge


def test_a_second_run_finds_nothing_to_do(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        assert migrate(conn) == []
        (count,) = conn.execute("SELECT count(*) FROM migration").fetchone()  # type: ignore[misc]
    assert count == len(migrations())
