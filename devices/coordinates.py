"""Positions between the three datums that Chinese devices and maps speak.

WGS-84 is what we keep. GCJ-02 shifts it by up to some 700 m inside China; BD-09 is Baidu's
further shift of GCJ-02. The forward formulas are the published ones; the way back is solved by
iteration, so that there and back again ends within a millimetre.
"""

import math
from collections.abc import Callable

from devices.directory import Datum

Shift = Callable[[float, float], tuple[float, float]]

SEMI_MAJOR = 6_378_245.0  # metres; Krasovsky 1940, as the GCJ-02 formula uses it
ECCENTRICITY_SQUARED = 0.00669342162296594323  # Krasovsky 1940
BAIDU_TURN = math.pi * 3000.0 / 180.0
LAT_IN_CHINA = (3.86, 53.55)  # degrees; the box of gcoord: Hong Kong in, Singapore out
LON_IN_CHINA = (73.66, 135.05)
CLOSE_ENOUGH = 1e-9  # degrees, about 0.1 mm


def to_wgs84(lat: float, lon: float, datum: Datum) -> tuple[float, float]:
    """Return the WGS-84 (lat, lon) in degrees of a position given in `datum`.

    GCJ-02 is inverted to well under 0.5 m; outside China it is the same as WGS-84.
    """
    if datum == "wgs84":
        return lat, lon
    if datum == "bd09":
        lat, lon = _inverted(_gcj02_to_bd09, lat, lon)
    return _inverted(_wgs84_to_gcj02, lat, lon) if _in_china(lat, lon) else (lat, lon)


def from_wgs84(lat: float, lon: float, datum: Datum) -> tuple[float, float]:
    """Return the position in `datum`, (lat, lon) in degrees, of a WGS-84 position."""
    if datum == "wgs84":
        return lat, lon
    if _in_china(lat, lon):
        lat, lon = _wgs84_to_gcj02(lat, lon)
    return _gcj02_to_bd09(lat, lon) if datum == "bd09" else (lat, lon)


def _in_china(lat: float, lon: float) -> bool:
    return LAT_IN_CHINA[0] <= lat <= LAT_IN_CHINA[1] and LON_IN_CHINA[0] <= lon <= LON_IN_CHINA[1]


def _wgs84_to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    x, y = lon - 105.0, lat - 35.0
    root = math.sqrt(abs(x))
    ripple = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north += _waves(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east += _waves(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    flat = 1.0 - ECCENTRICITY_SQUARED * math.sin(math.radians(lat)) ** 2
    meridian = SEMI_MAJOR * (1.0 - ECCENTRICITY_SQUARED) / (flat * math.sqrt(flat))
    parallel = SEMI_MAJOR / math.sqrt(flat) * math.cos(math.radians(lat))
    return lat + math.degrees(north / meridian), lon + math.degrees(east / parallel)


def _waves(at: float, *parts: tuple[float, float]) -> float:
    return sum(size * math.sin(at * turn * math.pi) for size, turn in parts) * 2.0 / 3.0


def _gcj02_to_bd09(lat: float, lon: float) -> tuple[float, float]:
    far = math.hypot(lon, lat) + 0.00002 * math.sin(lat * BAIDU_TURN)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * BAIDU_TURN)
    return far * math.sin(angle) + 0.006, far * math.cos(angle) + 0.0065


def _inverted(shift: Shift, lat: float, lon: float) -> tuple[float, float]:
    """Return where `shift` comes from to reach (lat, lon); each round is some 100 times closer."""
    guess_lat, guess_lon = lat, lon
    for _ in range(10):
        reached_lat, reached_lon = shift(guess_lat, guess_lon)
        off_lat, off_lon = reached_lat - lat, reached_lon - lon
        guess_lat, guess_lon = guess_lat - off_lat, guess_lon - off_lon
        if abs(off_lat) < CLOSE_ENOUGH and abs(off_lon) < CLOSE_ENOUGH:
            break
    return guess_lat, guess_lon
