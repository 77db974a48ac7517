"""What Prometheus reads of each service while the database or the broker is really away."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench.rig import Rig, Service
from tests.waiting import until

pytestmark = pytest.mark.system
SILENT = "carewatch_database_silent_seconds"
GROWN = 4.0  # seconds; more than the few that a measurement stands


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    # Not in tmp_path, which the user that PostgreSQL runs as can't enter.
    with (
        tempfile.TemporaryDirectory(prefix="carewatch-outages-") as directory,
        Rig(Path(directory), ("ingest", "alerts"), durable=False) as rig,
    ):
        rig.services["dashboards"] = rig.service("dashboards")
        rig["dashboards"].start()
        rig["dashboards"].await_healthy()
        until(lambda: _shown(rig["dashboards"], "carewatch_data_age_seconds") >= 0)
        yield rig


@pytest.mark.parametrize("ends", ["stopped", "frozen"])
def test_a_database_that_is_away_is_seen_at_every_service(rig: Rig, ends: str) -> None:
    away: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "stopped": (rig.postgres.stop, rig.postgres.start),
        "frozen": (rig.postgres.freeze, rig.postgres.thaw),
    }
    leave, come_back = away[ends]
    watched = [rig[name] for name in ("ingest", "alerts", "dashboards")]
    for service in watched:
        until(lambda service=service: _shown(service, SILENT) == 0)  # type: ignore[misc]
    leave()
    for service in watched:
        until(lambda service=service: _shown(service, SILENT) > GROWN)  # type: ignore[misc]
    until(lambda: _shown(rig["alerts"], "carewatch_feed_lag_seconds") > GROWN)
    until(lambda: _shown(rig["dashboards"], "carewatch_data_age_seconds") > GROWN)
    come_back()
    for service in watched:
        until(lambda service=service: _shown(service, SILENT) == 0)  # type: ignore[misc]
    until(lambda: _shown(rig["alerts"], "carewatch_feed_lag_seconds") < GROWN)
    until(lambda: 0 <= _shown(rig["dashboards"], "carewatch_data_age_seconds") < GROWN)


def test_a_broker_that_is_away_is_seen(rig: Rig) -> None:
    connected = "carewatch_broker_connected"
    sessions = until(lambda: _shown(rig["ingest"], connected))
    rig.broker.kill()
    until(lambda: _shown(rig["ingest"], connected) == 0)
    rig.broker.start()
    until(lambda: _shown(rig["ingest"], connected) == sessions)


def test_what_may_grow_is_counted_from_the_start(rig: Rig) -> None:
    assert _shown(rig["alerts"], "carewatch_pages_total") == 0
    assert _shown(rig["ingest"], "carewatch_session_intrusions_total") == 0
    assert _shown(rig["ingest"], "carewatch_message_silent_seconds") >= 0


def _shown(service: Service, name: str) -> float:
    """A metric as it is scraped; -1 while it is not shown."""
    return service.figures().get(name, -1.0)
