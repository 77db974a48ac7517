"""Town answers between WGS-84, GCJ-02 and BD-09 (sources in data/README.md)."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.coordinates import from_wgs84, to_wgs84
from devices.directory import Datum

DATA = Path(__file__).parent / "data"
VECTORS = json.loads((DATA / "gcj02-vectors.json").read_text())
CITIES = json.loads((DATA / "gcj02-china-cities.json").read_text())
SHIFTED: tuple[Datum, ...] = ("gcj02", "bd09")


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance on a plane: exact enough for a few metres."""
    north = (a[0] - b[0]) * 111_320
    east = (a[1] - b[1]) * 111_320 * math.cos(math.radians(a[0]))
    return math.hypot(north, east)


@pytest.mark.parametrize("row", VECTORS["wgs_to_gcj"])
def test_gcj02_vectors_both_ways(row: dict[str, list[float]]) -> None:
    wgs, gcj = tuple(row["wgs"]), tuple(row["gcj"])
    assert metres(from_wgs84(*wgs, "gcj02"), gcj) < 0.2  # one was printed 0.11 m off
    assert metres(to_wgs84(*gcj, "gcj02"), wgs) < VECTORS["tolerance_m"]["gcj_to_wgs_exact"]


@pytest.mark.parametrize("row", VECTORS["bd_to_wgs"])
def test_bd09_vectors(row: dict[str, list[float]]) -> None:
    """Their BD-09 wave turns by pi, Baidu's (and the cities below) by 3000 pi / 180."""
    assert metres(to_wgs84(*row["bd"], "bd09"), tuple(row["wgs"])) < 50


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city["name"])
def test_cities_in_three_datums(city: dict[str, list[float]]) -> None:
    """Their WGS-84 lies an even 0.7 m beside the formula everywhere; GCJ-02 to BD-09 is exact."""
    wgs, gcj, bd = (city[name][::-1] for name in ("WGS84", "GCJ02", "BD09"))
    assert metres(from_wgs84(*wgs, "gcj02"), gcj) < 0.8
    assert metres(from_wgs84(*wgs, "bd09"), bd) < 0.8
    assert metres(to_wgs84(*gcj, "gcj02"), wgs) < 0.8
    assert metres(to_wgs84(*bd, "bd09"), wgs) < 0.8
    assert metres(to_wgs84(*bd, "bd09"), to_wgs84(*gcj, "gcj02")) < 0.02


@pytest.mark.parametrize("place", [(1.35, 103.82), (40.71, -74.0), (-33.9, 151.2), (0.0, 0.0)])
def test_outside_china_gcj02_is_wgs84(place: tuple[float, float]) -> None:
    assert to_wgs84(*place, "gcj02") == place
    assert from_wgs84(*place, "gcj02") == place


@given(lat=st.floats(18.0, 53.0), lon=st.floats(74.0, 134.5), datum=st.sampled_from(SHIFTED))
def test_there_and_back(lat: float, lon: float, datum: Datum) -> None:
    assert metres(to_wgs84(*from_wgs84(lat, lon, datum), datum), (lat, lon)) < 0.01


def test_wgs84_is_left_alone() -> None:
    assert to_wgs84(35.24, 115.48, "wgs84") == (35.24, 115.48)
    assert from_wgs84(35.24, 115.48, "wgs84") == (35.24, 115.48)
