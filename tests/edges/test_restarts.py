"""What a restart in the middle must not change, case by case, on a real database."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from alerts import history
from alerts.types import Finding, Muted, PlanSet, TownChanged, Unmuted
from devices.readings import DeviceStatus, DoorMoved
from tests.alerts.story import area, client, door, moment, town_of
from tests.edges.stepped_lanes import LANES, SteppedLanes

pytestmark = pytest.mark.edge

MINUTE = timedelta(minutes=1)
START = moment("08:00")


@pytest.fixture
def hands(conn: psycopg.Connection, database_url: str) -> Iterator[SteppedLanes]:
    """A service at eight o'clock, with one client who has one door."""
    hands = SteppedLanes(conn, database_url, START)
    hands.change(town({"area_outage": {"devices": 1}}))
    hands.look()
    yield hands
    hands.close()


def town(rules: dict[str, dict[str, object]]) -> TownChanged:
    register, plans = town_of((area("w"), client("c-1", area="w"), door("c-1")), rules)
    return TownChanged(at=START, register=register, plans=plans)


def said(minutes: float) -> dict[str, Any]:
    at = START + minutes * MINUTE
    return {"device": "door-c-1", "id": f"m-{minutes}", "observed_at": at, "received_at": at}


def restart(hands: SteppedLanes) -> None:
    for lane in LANES:
        hands.fall(lane)


def found(conn: psycopg.Connection, rule: str) -> list[Finding]:
    return [
        finding
        for finding, _ in history.findings_between(conn, START, START + timedelta(days=1))
        if finding.rule == rule
    ]


def test_what_waited_is_judged_by_the_settings_of_its_time(
    conn: psycopg.Connection, hands: SteppedLanes
) -> None:
    restart(hands)  # and for two hours nobody is at work
    hands.say(DoorMoved(open=True, **said(1)))
    hands.move(START + 120 * MINUTE)
    rules: dict[str, dict[str, object]] = {"door_left_open": {"minutes": 10}}
    hands.change(TownChanged(at=START + 90 * MINUTE, plans=PlanSet(rules=rules)))
    hands.look()
    (raised,) = found(conn, "door_left_open")
    assert raised.at == START + 61 * MINUTE
    assert raised.settings == {"minutes": 60}


def test_raises_of_before_count_for_chattering(
    conn: psycopg.Connection, hands: SteppedLanes
) -> None:
    for n in range(7):
        at = 1 + n / 10
        hands.move(START + at * MINUTE)
        hands.say(DeviceStatus(online=n % 2 == 0, **said(at)))
        hands.look()
        restart(hands)
    assert [one.event for one in found(conn, "area_outage")].count("raised") == 3
    (shelved,) = history.mutes(conn, START + 5 * MINUTE)
    assert shelved.reason == "chattering"


def test_a_mute_that_is_over_cannot_be_ended_early(
    conn: psycopg.Connection, hands: SteppedLanes
) -> None:
    end = START + 10 * MINUTE
    mute = Muted(at=START, id="x", until=end, reason="r", person="u-1", subject="client:c-1")
    hands.tell(mute)
    hands.look()
    hands.move(START + 20 * MINUTE)
    hands.tell(Unmuted(at=START + 20 * MINUTE, id="x", person="u-1"))
    hands.look()
    assert history.mutes(conn, end) == []
