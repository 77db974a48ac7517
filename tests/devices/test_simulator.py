"""The simulated town plays the same day the same way and never outruns a car."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from devices.directory import Caregiver, Circle, Client, Device, Directory, RegisterChange
from devices.simulator.rounds import Call, Round, along, fate_of, stop_for
from devices.simulator.town import SimulatedTown, bus_ride

NINE = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)  # 09:00 in the town


def call(visit: str, start: datetime, lat: float = 35.21, lon: float = 115.41) -> Call:
    return Call(visit, "c-1", lat, lon, start, start + timedelta(minutes=20), 8)


def visit_with(fate: str) -> str:
    return next(name for name in (f"v-{n}" for n in range(1000)) if fate_of(name) == fate)


def test_a_kept_visit_fits_its_window() -> None:
    stop = stop_for(call(visit_with("kept"), NINE))
    assert stop is not None
    assert NINE <= stop.arrive < stop.leave <= NINE + timedelta(minutes=20)


def test_a_late_visit_no_longer_fits() -> None:
    stop = stop_for(call(visit_with("late"), NINE))
    assert stop is not None
    assert stop.leave > NINE + timedelta(minutes=20)


def test_a_missed_visit_has_no_stop() -> None:
    assert stop_for(call(visit_with("missed"), NINE)) is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.99, 1.0])
def test_a_road_stays_between_its_ends(share: float) -> None:
    lat, lon = along((35.2, 115.4), (35.25, 115.45), share)
    assert 35.2 <= lat <= 35.25
    assert 115.4 <= lon <= 115.45


def test_a_caregiver_is_at_the_home_during_a_stop_and_never_jumps() -> None:
    kept = visit_with("kept")
    calls = [call(kept, NINE), call(kept, NINE + timedelta(minutes=30), 35.24, 115.44)]
    path = Round((35.2, 115.4), calls)
    stay = path.stops[0]
    assert path.where(stay.arrive + timedelta(minutes=1)) == (35.21, 115.41)
    points = [path.where(NINE + timedelta(seconds=s)) for s in range(0, 3600, 5)]
    moves = [abs(b[0] - a[0]) + abs(b[1] - a[1]) for a, b in pairwise(points[60:])]
    assert max(moves) < 0.002  # about 200 m in 5 s would be 150 km/h; this is far below


def town(seed: int = 1) -> SimulatedTown:
    home = Circle(lat=35.21, lon=115.41)
    directory = Directory().changed(
        RegisterChange(
            clients=(Client(id="c-1", home=home),),
            caregivers=(Caregiver(id="g-1", base=home),),
            devices=(
                Device(id="phone-g1", kind="phone", holder="caregiver:g-1"),
                Device(id="watch-c1", kind="phone", holder="client:c-1"),
                Device(id="door", kind="door", holder="client:c-1", topic="zigbee2mqtt/door"),
                Device(id="btn", kind="sos", holder="client:c-1"),
            ),
        )
    )
    rounds = {"g-1": Round((35.21, 115.41), [call("v-1", NINE)])}
    return SimulatedTown(directory, rounds, NINE, seed)


def test_the_same_seed_says_the_same() -> None:
    until = NINE + timedelta(minutes=30)
    assert list(town().due(until)) == list(town().due(until))


def test_time_handed_out_in_pieces_is_the_same_time() -> None:
    whole = list(town().due(NINE + timedelta(minutes=10)))
    pieces = town()
    parts = [m for minute in range(1, 11) for m in pieces.due(NINE + timedelta(minutes=minute))]
    assert parts == whole


@pytest.mark.parametrize(
    ("seconds", "metres"), [(-5, 0.0), (0, 0.0), (30, 420.0), (60, 840.0), (90, 420.0), (121, 0.0)]
)
def test_a_bus_ride_goes_out_and_back(seconds: float, metres: float) -> None:
    trip = NINE, NINE + timedelta(minutes=2)
    assert bus_ride(trip, NINE + timedelta(seconds=seconds)) == metres


def test_a_wandering_client_is_outside_and_comes_home() -> None:
    simulated = town()
    simulated.wander("c-1", NINE, NINE + timedelta(minutes=2))
    said = [
        msgspec.json.decode(m.payload)["lat"]
        for m in simulated.due(NINE + timedelta(minutes=3))
        if m.topic.endswith("watch-c1")
    ]
    assert max(said) > 35.216  # more than 600 m north of the home
    assert said[-1] < 35.2105
