"""Distances and places on the ground, in metres on WGS-84.

Towns are small: a plane touching the earth at the place itself is exact to a few centimetres in
ten kilometres, and far cheaper than the ellipsoid.
"""

from collections.abc import Iterable
from math import cos, hypot, inf, radians

import shapely

from alerts.types import Zone
from devices.directory import Circle

METRES_A_DEGREE = 111_195.0  # of latitude, on a sphere of 6,371 km


def metres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return the distance between two points; meant for up to some 100 km."""
    east = (other_lon - lon + 540) % 360 - 180
    return METRES_A_DEGREE * hypot(other_lat - lat, east * cos(radians((lat + other_lat) / 2)))


class Fence:
    """A zone's edge, made ready to be measured many times."""

    __slots__ = ("_circle", "_east", "_lat", "_lon", "_polygon")

    def __init__(self, zone: Zone) -> None:
        self._circle = zone.circle
        self._polygon = None
        if zone.circle is not None or not zone.polygon:
            return
        self._lon, self._lat = zone.polygon[0]
        self._east = METRES_A_DEGREE * cos(radians(self._lat))
        ring = [self._on_plane(lat, lon) for lon, lat in zone.polygon]
        self._polygon = shapely.make_valid(shapely.Polygon(ring)) if len(ring) > 2 else None

    def beyond(self, lat: float, lon: float) -> float:
        """Return the metres outside the edge: below zero inside, -inf if the zone has no shape."""
        if self._circle is not None:
            circle = self._circle
            return metres(circle.lat, circle.lon, lat, lon) - circle.radius
        if self._polygon is None:
            return -inf
        point = shapely.Point(self._on_plane(lat, lon))
        edge = float(shapely.distance(self._polygon.boundary, point))
        return -edge if shapely.covers(self._polygon, point) else edge

    def _on_plane(self, lat: float, lon: float) -> tuple[float, float]:
        """Return a point in metres east and north of the zone's first corner."""
        east = (lon - self._lon + 540) % 360 - 180
        return east * self._east, (lat - self._lat) * METRES_A_DEGREE


class Grid:
    """Which circles may hold a point: one dictionary look-up, then a few distances."""

    CELL = 0.005  # degrees, some 500 m: a home and its reach lie in one to four cells

    def __init__(self, reach: float = 0) -> None:
        self._reach = reach  # metres added to every radius
        self._cells: dict[tuple[int, int], tuple[str, ...]] = {}
        self._circles: dict[str, Circle] = {}

    def put(self, key: str, circle: Circle | None) -> None:
        """Put a circle in, move it, or (None) take it out."""
        before = self._circles.pop(key, None)
        if before is not None:
            for cell in self._covered(before):
                self._cells[cell] = tuple(kept for kept in self._cells[cell] if kept != key)
        if circle is not None:
            self._circles[key] = circle
            for cell in self._covered(circle):
                self._cells[cell] = tuple(sorted((*self._cells.get(cell, ()), key)))

    def near(self, lat: float, lon: float) -> tuple[str, ...]:
        """Return the keys of all circles that reach a point, and of some that do not."""
        return self._cells.get((int(lat // self.CELL), int(lon // self.CELL)), ())

    def beside(self, key: str) -> set[str]:
        """Return the keys of all circles that reach where this one does, and of some that do not.

        The key itself is one of them, unless it has no circle.
        """
        circle = self._circles.get(key)
        cells = self._covered(circle) if circle is not None else ()
        return {each for cell in cells for each in self._cells.get(cell, ())}

    def circle(self, key: str) -> Circle | None:
        """Return the circle of a key, if one was put in."""
        return self._circles.get(key)

    def _covered(self, circle: Circle) -> Iterable[tuple[int, int]]:
        """Yield the cells that a circle and its reach may touch."""
        north = (circle.radius + self._reach) / METRES_A_DEGREE
        east = north / max(0.01, cos(radians(circle.lat)))
        south, north = circle.lat - north, circle.lat + north
        west, east = circle.lon - east, circle.lon + east
        for y in range(int(south // self.CELL), int(north // self.CELL) + 1):
            for x in range(int(west // self.CELL), int(east // self.CELL) + 1):
                yield y, x
