"""Which database a command speaks to: it says so, and makes none of its own."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from core.files import OWNER_ALONE, replace_file
from core.keys_in_use import note_key
from deploy.stack.running import RUN_FILE

pytestmark = pytest.mark.edge
TOWN = Path(__file__).parent.parent / "deploy" / "town.yaml"
NEED_A_DATABASE = (
    ("migrate",),
    ("load", str(TOWN)),
    ("device", "list"),
    ("device", "add", "btn-1", "--kind", "sos"),
    ("deadletters", "list"),
    ("sign-in", "list"),
    ("backtest", "--since", "2026-11-01T00:00Z", "--until", "2026-11-02T00:00Z"),
)


def carewatch(home: Path, *words: str, url: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command in an empty directory, with no settings but the database's URL."""
    unset = {key: value for key, value in os.environ.items() if not key.startswith("CAREWATCH_")}
    checkout = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-m", "deploy", *words],
        cwd=home,
        env=unset | {"PYTHONPATH": checkout} | ({"CAREWATCH_DATABASE_URL": url} if url else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("words", NEED_A_DATABASE, ids=" ".join)
def test_without_a_database_a_command_ends_and_makes_none(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    ran = carewatch(tmp_path, *words)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("carewatch: no database: set CAREWATCH_DATABASE_URL")
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("words", NEED_A_DATABASE, ids=" ".join)
def test_a_command_names_its_database_and_no_secret(
    words: tuple[str, ...], tmp_path: Path, database_url: str
) -> None:
    ran = carewatch(tmp_path, *words, url=database_url.replace("postgres:@", "postgres:hush@", 1))
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.startswith(f"database: {name} at /")
    assert "(CAREWATCH_DATABASE_URL)\n" in ran.stderr
    assert "hush" not in ran.stdout + ran.stderr


def test_the_database_of_a_running_up_is_used_and_named(tmp_path: Path, database_url: str) -> None:
    _keep(tmp_path, database_url)
    ran = carewatch(tmp_path, "device", "list")
    assert ran.returncode == 0, ran.stderr
    assert f"(of `carewatch up` on {tmp_path}/.carewatch)" in ran.stderr


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    _keep(tmp_path, f"postgresql://postgres:hush@/postgres?host={tmp_path}/gone")
    ran = carewatch(tmp_path, "device", "list")
    assert ran.returncode == 2
    assert f"does not answer: postgres at {tmp_path}/gone (of `carewatch up` on " in ran.stderr
    assert "hush" not in ran.stderr


def _keep(home: Path, url: str) -> None:
    (home / ".carewatch").mkdir()
    replace_file(home / ".carewatch" / RUN_FILE, f'database_url = "{url}"\n'.encode(), OWNER_ALONE)


def test_a_wall_is_signed_with_the_services_key_or_not_at_all(
    tmp_path: Path, database_url: str, conn: psycopg.Connection
) -> None:
    ran = carewatch(tmp_path, "sign-in", "wall", url=database_url)
    assert ran.returncode == 2
    assert "no secret key" in ran.stderr
    assert list(tmp_path.rglob("*")) == []  # a key that no service has would open nothing
    (tmp_path / ".carewatch").mkdir()
    (tmp_path / ".carewatch" / "secret_key").write_text("another key than the services have\n")
    note_key(conn, "dashboards", "the key that the services have")
    ran = carewatch(tmp_path, "sign-in", "wall", url=database_url)
    assert ran.returncode == 2
    assert "is not the services'" in ran.stderr
    (tmp_path / ".carewatch" / "secret_key").write_text("the key that the services have\n")
    ran = carewatch(tmp_path, "sign-in", "wall", url=database_url)
    assert ran.returncode == 0, ran.stderr
    assert "/wall?token=" in ran.stdout
