"""Both lanes beside each other, as a backtest walks them."""

from datetime import UTC, timedelta

from story import DAY, button, client, door, town_of

from alerts.engine.two_lanes import TwoLanes
from alerts.types import Finding, Stored, Tick
from devices.directory import Directory
from devices.readings import DoorMoved, Reading, SosPressed

BEGIN = DAY.astimezone(UTC)


def after(seconds: float) -> dict[str, object]:
    at = BEGIN + timedelta(seconds=seconds)
    return {"id": f"m-{seconds}", "observed_at": at, "received_at": at}


def opened(seconds: float) -> DoorMoved:
    return DoorMoved(device="door-c-1", open=True, **after(seconds))  # type: ignore[arg-type]


def pressed(seconds: float) -> SosPressed:
    return SosPressed(device="btn-c-1", press="short", **after(seconds))  # type: ignore[arg-type]


def found(*readings: Reading, until: float) -> list[tuple[float, str]]:
    """(seconds, rule) of what is found when these are stored in this order."""
    register, plans = town_of(
        (client("c-1"), button("c-1"), door("c-1")), {"door_left_open": {"minutes": 1}}
    )
    lanes = TwoLanes(Directory().changed(register), plans, timezone="Asia/Shanghai")
    told: list[Finding] = list(lanes.advance(Tick(BEGIN)))
    for arrival, reading in enumerate(readings, 1):
        told += lanes.advance(Stored(arrival, reading))
    told += lanes.elapse(BEGIN + timedelta(seconds=until))
    return [((one.at - BEGIN).total_seconds(), one.rule) for one in told]


def test_a_press_stored_behind_a_later_reading_has_its_own_moment() -> None:
    assert found(opened(10), pressed(9.9), until=20) == [(9.9, "sos_pressed")]


def test_what_time_brought_before_a_press_is_told_before_it() -> None:
    heard = found(opened(0), pressed(90), until=100)
    assert heard == [(60, "door_left_open"), (90, "sos_pressed")]
