"""Every command's database sessions speak UTC, whatever zone the server was made in."""

import subprocess
import sys

import psycopg
import pytest

pytestmark = [pytest.mark.system, pytest.mark.edge]
SCRIPT = """
import sys
import psycopg
from deploy import cli
cli.app = lambda **_: print(*psycopg.connect(sys.argv[1]).execute("SHOW timezone").fetchone())
cli.main()
"""


def test_a_session_is_in_utc_on_a_server_that_is_not(
    conn: psycopg.Connection, database_url: str
) -> None:
    conn.execute(
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET timezone TO ''Asia/Shanghai''',"
        " current_database()); END$$"
    )
    command = [sys.executable, "-c", SCRIPT, database_url]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    assert done.stdout == "UTC\n"
