"""The map that the screens draw: the areas' own outlines, and homes as counts in grid cells.

No client's position leaves the service for a wall: only how many homes a cell holds. Pure.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from hashlib import sha256

import msgspec
import shapely
from shapely.geometry import MultiPoint, mapping, shape

from dashboards.scope import Scope, sees_subject
from devices.directory import Area, Directory
from devices.subject import Subject

COLUMNS = 160  # cells across the town: at 16:9 about 0.6 % of the map's width each
MARGIN = 0.04  # of the town's size, kept free around it
HULL = 0.004  # degrees (about 400 m) around the homes of an area that has no outline
SMOOTH = 0.0002  # degrees: outlines are thinned to what a wall can show


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """One area's shape."""

    id: str
    name: str
    parent: str | None
    rings: tuple[tuple[tuple[float, float], ...], ...]  # [lon, lat], WGS-84
    given: bool  # False: drawn around the homes, because the register has no outline
    label: tuple[float, float] | None  # where its name stands


class TownMap(msgspec.Struct, frozen=True, kw_only=True):
    """The geometry, fetched once by each screen and again when its version changes."""

    version: str = ""
    bounds: tuple[float, float, float, float] | None = None  # west south east north; None = empty
    areas: tuple[Outline, ...] = ()
    cell: tuple[float, float] = (0.0, 0.0)  # degrees of longitude and latitude
    homes: tuple[tuple[int, int, int], ...] = ()  # column, row (from west and south), homes
    facilities: tuple[tuple[float, float, str], ...] = ()  # lat, lon, name


def town_map(directory: Directory, scope: Scope) -> TownMap:
    """Return the part of the town that the scope shows."""
    homes = _homes(directory, scope)
    outlines = tuple(_outlines(directory, scope, homes))
    houses = tuple(_facilities(directory, scope))
    points = [point for found in homes.values() for point in found]
    corners = [corner for outline in outlines for ring in outline.rings for corner in ring]
    bounds = _bounds([*points, *corners, *((lon, lat) for lat, lon, _ in houses)])
    if bounds is None:
        return TownMap()
    cell = _cell(bounds)
    found = TownMap(
        bounds=bounds,
        areas=outlines,
        cell=cell,
        homes=_cells(points, bounds, cell),
        facilities=houses,
    )
    version = sha256(msgspec.msgpack.encode(found)).hexdigest()[:12]
    return msgspec.structs.replace(found, version=version)


def _homes(directory: Directory, scope: Scope) -> dict[str, list[tuple[float, float]]]:
    homes: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for client in directory.clients:
        if client.home and sees_subject(scope, directory, Subject("client", client.id)):
            homes[client.area or ""].append((client.home.lon, client.home.lat))
    return homes


def _outlines(
    directory: Directory, scope: Scope, homes: dict[str, list[tuple[float, float]]]
) -> Iterable[Outline]:
    """Yield parents before children, so that a child is drawn over what holds it."""
    areas = sorted(directory.areas, key=lambda area: len(directory.area_path(area.id)))
    for area in areas:
        if scope.areas and not any(node in scope.areas for node in directory.area_path(area.id)):
            continue
        outline = _given(area) if area.boundary else _around(area, homes.get(area.id, []))
        if outline is not None:
            yield outline


def _given(area: Area) -> Outline | None:
    try:
        outline = shapely.simplify(shape(area.boundary), SMOOTH)
    except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, AttributeError):
        return None  # the town file was checked on load; an odd row must not end the wall
    return _outline(area, outline, given=True)


def _around(area: Area, points: list[tuple[float, float]]) -> Outline | None:
    if not points:
        return None
    return _outline(area, MultiPoint(points).convex_hull.buffer(HULL, quad_segs=3), given=False)


def _outline(area: Area, geometry: shapely.Geometry, *, given: bool) -> Outline | None:
    polygons = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    if not polygons:
        return None
    label = max(polygons, key=lambda part: part.area).representative_point()
    rings = tuple(
        tuple((round(x, 5), round(y, 5)) for x, y in mapping(part)["coordinates"][0])
        for part in polygons
    )
    return Outline(
        id=area.id,
        name=area.name or area.id,
        parent=area.parent,
        rings=rings,
        given=given,
        label=(round(label.x, 5), round(label.y, 5)),
    )


def _facilities(directory: Directory, scope: Scope) -> Iterable[tuple[float, float, str]]:
    for facility in directory.facilities:
        if facility.home and sees_subject(scope, directory, Subject("facility", facility.id)):
            yield facility.home.lat, facility.home.lon, facility.name or facility.id


def _bounds(points: list[tuple[float, float]]) -> tuple[float, float, float, float] | None:
    if not points:
        return None
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    wide, high = max(east - west, 0.01) * MARGIN, max(north - south, 0.01) * MARGIN
    return west - wide, south - high, east + wide, north + high


def _cell(bounds: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return the size of a cell, square on the ground: a degree of latitude is the longer one."""
    west, south, east, north = bounds
    across = (east - west) / COLUMNS
    return across, across * math.cos(math.radians((south + north) / 2))


def _cells(
    points: list[tuple[float, float]],
    bounds: tuple[float, float, float, float],
    cell: tuple[float, float],
) -> tuple[tuple[int, int, int], ...]:
    west, south, _, _ = bounds
    counts = Counter((int((x - west) / cell[0]), int((y - south) / cell[1])) for x, y in points)
    return tuple((column, row, n) for (column, row), n in sorted(counts.items()))
