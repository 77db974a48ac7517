"""Outlines of areas and zones: any valid GeoJSON comes in, a flat (multi)polygon goes out."""

from collections.abc import Iterator
from typing import cast

import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

GEOMETRIES = (
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
)
# How deep the positions of each type lie: a Point is a position, a Polygon a list of rings.
DEPTH = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
Ring = tuple[tuple[float, float], ...]


class BadGeometry(ValueError):
    """What is wrong with a geometry, in one sentence."""


def flat_boundary(geojson: object) -> dict[str, object] | None:
    """Return the part of a GeoJSON value that encloses ground, as a 2-D Polygon or MultiPolygon.

    Takes a geometry of any type, a Feature or a FeatureCollection; lon/lat in degrees; heights
    are dropped. None where a valid geometry encloses nothing (points, lines). Raises
    `BadGeometry`.
    """
    parts = [part for geometry in _geometries(geojson) for part in _areal(geometry)]
    if not parts:
        return None
    whole = shapely.union_all(parts) if len(parts) > 1 else parts[0]
    return cast(dict[str, object], _as_lists(mapping(whole)))


def ring_fault(ring: Ring) -> str | None:
    """Return what is wrong with a zone's polygon ([lon, lat] points, closed or not), if
    anything."""
    if len(set(ring)) < 3:
        return "a polygon needs at least three different points"
    for point in ring:
        wrong = _position_fault(point)
        if wrong:
            return wrong
    polygon = shapely.Polygon(ring)
    return None if polygon.is_valid else _why_invalid(polygon)


def _geometries(value: object) -> Iterator[dict[str, object]]:
    """Yield the plain geometries in a value, collections taken apart."""
    if not isinstance(value, dict):
        raise BadGeometry("expected a GeoJSON geometry: {type: Polygon, coordinates: [...]}")
    kind = value.get("type")
    if kind == "Feature":
        yield from _geometries(value.get("geometry"))
    elif kind in ("FeatureCollection", "GeometryCollection"):
        key = "features" if kind == "FeatureCollection" else "geometries"
        inner = value.get(key)
        if not isinstance(inner, list):
            raise BadGeometry(f"a {kind} needs a list {key!r}")
        for item in inner:
            yield from _geometries(item)
    elif kind in GEOMETRIES:
        yield value
    else:
        raise BadGeometry(f"type {kind!r} is none of {', '.join(GEOMETRIES)}")


def _areal(geometry: dict[str, object]) -> list[BaseGeometry]:
    kind, coordinates = str(geometry["type"]), geometry.get("coordinates")
    flat = _flat(coordinates, DEPTH[kind], kind)
    _check_lines(flat, kind)
    if kind not in ("Polygon", "MultiPolygon") or not flat:
        return []
    made = shape({"type": kind, "coordinates": flat})
    if not made.is_valid:
        raise BadGeometry(_why_invalid(made))
    return [made] if made.area else []


def _flat(value: object, depth: int, kind: str) -> list[object]:
    """Return the coordinates without heights; their nesting, numbers and ranges checked."""
    if not isinstance(value, list):
        raise BadGeometry(f"the coordinates of a {kind} must be lists {DEPTH[kind] + 1} deep")
    if depth:
        return [_flat(item, depth - 1, kind) for item in value]
    wrong = _position_fault(value)
    if wrong:
        raise BadGeometry(wrong)
    return value[:2]


def _position_fault(position: object) -> str | None:
    numbers = position if isinstance(position, list | tuple) else ()
    if len(numbers) < 2 or not all(type(number) in (int, float) for number in numbers):
        return f"a position must be [lon, lat] in numbers, not {_short(position)}"
    lon, lat = numbers[:2]
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        swapped = "; write lon first" if abs(lon) <= 90 and abs(lat) <= 180 else ""
        return f"position {_short(position)} is off the earth{swapped}"
    return None


def _check_lines(flat: list[object], kind: str) -> None:
    """Raise where a line has not two positions, or a ring not four that end where they began."""
    depth = DEPTH[kind]
    if kind.endswith("Polygon"):
        for ring in _at_depth(flat, depth - 1):
            if len(ring) < 4:
                raise BadGeometry(f"a ring needs at least 4 positions, this has {len(ring)}")
            if ring[0] != ring[-1]:
                raise BadGeometry("a ring must end at the position where it began")
    if kind.endswith("LineString"):
        for line in _at_depth(flat, depth - 1):
            if len(line) < 2:
                raise BadGeometry("a line needs at least 2 positions")


def _at_depth(value: list[object], depth: int) -> Iterator[list[object]]:
    if depth == 0:
        yield value
        return
    for item in value:
        yield from _at_depth(cast(list[object], item), depth - 1)


def _as_lists(value: object) -> object:
    """Return plain lists for tuples, so that it equals what JSON gives back."""
    if isinstance(value, dict):
        return {key: _as_lists(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_lists(item) for item in value]
    return value


def _why_invalid(geometry: BaseGeometry) -> str:
    return f"not a valid outline: {shapely.is_valid_reason(geometry)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
