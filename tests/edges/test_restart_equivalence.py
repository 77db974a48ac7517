"""Restarts at any point change nothing: the same alerts, pages, visits and memories as without.

Random days go by way of the store, the feed, the walk and the journal on a real database, once
with kills and lost connections, once without.
"""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from alerts.types import (
    Acknowledged,
    Escalated,
    InboxEntry,
    Muted,
    Noted,
    Receipt,
    Resolved,
    Unmuted,
)
from devices.readings import Position, Reading, SosPressed
from tests.alerts.story import Spot
from tests.edges.random_day import MINUTE, START, days, first_town, later_town
from tests.edges.stepped_lanes import LANES, SteppedLanes

pytestmark = pytest.mark.edge

Step = tuple[Any, ...]
Rows = list[tuple[Any, ...]]
TABLES = (
    "finding, page, alert, visit, visit_revision, mute, rule_state, checkpoint, inbox, arrival_log,"
    " reading_track, reading_event, latest_reading, device, client, caregiver, area, visit_plan,"
    " zone, staff, ladder, rule_setting, ingest_horizon"
)


class Life:
    """One life of the service, as the steps tell it."""

    def __init__(self, conn: psycopg.Connection, url: str, *, restarts: bool) -> None:
        conn.execute(f"TRUNCATE {TABLES}".encode())
        conn.execute("ALTER SEQUENCE arrival RESTART")
        self._conn = conn
        self._restarts = restarts
        self._now = START
        self._hands = SteppedLanes(conn, url, START)
        self._hands.change(first_town())

    def live(self, steps: list[Step]) -> list[Rows]:
        """Everything that follows from these steps."""
        try:
            for what, *more in steps:
                getattr(self, f"_{what}")(*more)
            return self._hands.outputs()
        finally:
            self._hands.close()

    def _say(self, bodies: list[dict[str, Any]]) -> None:
        """One thing a second; what is urgent is stored first."""
        readings: list[Reading] = []
        for body in bodies:
            self._pass(timedelta(seconds=1))
            at = self._now - body["late"] * MINUTE
            more = {key: value for key, value in body.items() if key not in ("kind", "late")}
            readings.append(body["kind"](observed_at=at, received_at=self._now, **more))
        for urgent in (True, False):
            batch = [one for one in readings if isinstance(one, SosPressed) is urgent]
            if batch:
                self._hands.say(*batch)

    def _stay(self, device: str, spot: Spot, minutes: int, late: int) -> None:
        """A phone stays at a place, a fix a minute; or it was there and says it all now."""
        for n in range(minutes):
            self._pass(timedelta(seconds=1) if late else MINUTE)
            at = self._now - (late - n) * MINUTE if late else self._now
            common = {"device": device, "id": f"s-{self._now.timestamp()}", "observed_at": at}
            place = {"lat": spot.lat, "lon": spot.lon, "accuracy": 10.0}
            self._hands.say(Position(received_at=self._now, **common, **place))

    def _wait(self, minutes: float) -> None:
        self._pass(minutes * MINUTE)

    def _tell(self, word: str, number: int) -> None:
        entry = self._entry(word, number)
        if entry is not None:
            self._hands.tell(entry)

    def _change(self, what: str, number: int) -> None:
        self._hands.change(later_town(what, number, self._now))

    def _look(self, saves: bool) -> None:
        self._hands.look(saves=saves)

    def _restart(self, how: str) -> None:
        if self._restarts and how != "killed before commit":
            for name in LANES:
                self._hands.fall(name, whole=how == "killed")
        self._hands.look(dies=self._restarts and how == "killed before commit")

    def _pass(self, time: timedelta) -> None:
        self._now += time
        self._hands.move(self._now)

    def _entry(self, word: str, number: int) -> InboxEntry | None:
        """What a person or a channel says; None where there is nothing to speak of."""
        at, person = self._now, f"u-{number % 2 + 1}"
        if word in ("mute", "unmute"):
            mute: dict[str, Any] = {"at": at, "id": f"x-{number % 2}", "person": person}
            if word == "unmute":
                return Unmuted(**mute)
            return Muted(**mute, until=at + 10 * MINUTE, reason="r", area="w")
        about = self._one_of("page" if word == "fail" else "alert", number)
        if about is None:
            return None
        if word == "fail":
            return Receipt(at=at, page=about, state="failed_permanent")
        said: dict[str, Any] = {"at": at, "alert": about, "person": person}
        if word == "resolve":
            return Resolved(**said, outcome="helped")
        if word == "note":
            return Noted(**said, note="n")
        return Escalated(**said) if word == "escalate" else Acknowledged(**said)

    def _one_of(self, table: str, number: int) -> str | None:
        rows = self._conn.execute(f"SELECT id FROM {table} ORDER BY id".encode())
        ids = [key for (key,) in rows]
        return ids[number % len(ids)] if ids else None


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(day=days)
def test_restarts_lose_and_double_nothing(
    day: list[Step], conn: psycopg.Connection, database_url: str
) -> None:
    without = Life(conn, database_url, restarts=False).live(day)
    with_restarts = Life(conn, database_url, restarts=True).live(day)
    for expected, found in zip(without, with_restarts, strict=True):
        assert found == expected
