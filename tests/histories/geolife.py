"""Fences drawn on real journeys: does each real leaving and coming give one word, and one only?

    python -m tests.histories.geolife DIRECTORY

reads the `.plt` tracks of Microsoft's Geolife GPS Trajectories there (not in this repository: its
licence allows no copies) and prints what docs/reference/real-lives.md states. On each track eight
fences of each size are drawn around places of the journey itself. What really happened is taken
from the whole track at once, with hindsight that a rule does not have: the distance's median over
nine fixes, a side counting once it is left behind by 30 m and held for two minutes.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

from alerts.engine.engine import World
from alerts.rules.geofence_breached import GEOFENCE_BREACHED
from alerts.town.geometry import metres
from alerts.types import PlanSet, Stored, Zone
from devices.directory import Circle, Device, Directory, RegisterChange
from devices.readings import Position

RADII = (100, 150, 300)  # metres
PLACES = 8  # of each track
ACCURACY = 10.0  # metres; the tracks name none
BEHIND, HELD = 30, timedelta(minutes=2)
HEADER = 6  # lines of a .plt file before its fixes


class Fix(NamedTuple):
    at: datetime
    lat: float
    lon: float


def track(path: Path) -> list[Fix]:
    """The fixes of a Geolife file: latitude, longitude, 0, altitude, days, date, time (GMT)."""
    rows = (line.split(",") for line in path.read_text().splitlines()[HEADER:])
    return [
        Fix(
            datetime.fromisoformat(f"{row[5]}T{row[6]}").replace(tzinfo=UTC),
            float(row[0]),
            float(row[1]),
        )
        for row in rows
    ]


def said(fixes: Iterable[Fix], circle: Circle) -> Counter[str]:
    """What the rule says at its default settings."""
    tag = Device(id="tag", kind="phone", holder="client:c-1")
    zone = Zone(id="z-1", owner="client:c-1", rule="keep_in", circle=circle)
    directory = Directory().changed(RegisterChange(devices=(tag,)))
    world = World.begin(directory, PlanSet(zones=(zone,)), rules=(GEOFENCE_BREACHED,))
    found: Counter[str] = Counter()
    for n, fix in enumerate(fixes):
        common = {"device": "tag", "id": str(n), "observed_at": fix.at, "received_at": fix.at}
        reading = Position(lat=fix.lat, lon=fix.lon, accuracy=ACCURACY, **common)  # type: ignore[arg-type]
        found.update(one.event for one in world.advance(Stored(n, reading)).findings)
    return found


def beyond(fixes: Iterable[Fix], circle: Circle) -> list[float]:
    """How far outside each fix is, in metres; inside below 0."""
    return [metres(circle.lat, circle.lon, fix.lat, fix.lon) - circle.radius for fix in fixes]


def crossed(distances: list[float]) -> int:
    """How often a rule would speak that only looks at the last fix."""
    sides = [False, *(distance > 0 for distance in distances)]
    return sum(before != after for before, after in pairwise(sides))


def happened(fixes: list[Fix], distances: list[float]) -> Counter[str]:
    """The leavings ("raised") and comings ("cleared") that really were."""
    outside, candidate, since = False, None, fixes[0].at
    found: Counter[str] = Counter()
    for n, fix in enumerate(fixes):
        smooth = median(distances[max(0, n - 4) : n + 5])
        if 0 < smooth <= BEHIND:
            continue
        side = smooth > BEHIND
        if side != candidate:
            candidate, since = side, fix.at
        if side != outside and fix.at - since >= HELD:
            outside = side
            found["raised" if side else "cleared"] += 1
    return found


def main(directory: Path) -> None:
    total: Counter[str] = Counter()
    for path in sorted(directory.rglob("*.plt")):
        fixes = track(path)
        total.update(tracks=1, fixes=len(fixes))
        for radius in RADII:
            for place in fixes[:: max(1, len(fixes) // PLACES)]:
                circle = Circle(lat=place.lat, lon=place.lon, radius=radius)
                distances = beyond(fixes, circle)
                real, told = happened(fixes, distances), said(fixes, circle)
                total.update(fences=1, equal=real == told, crossed=crossed(distances))
                total.update({f"real {event}": n for event, n in real.items()})
                total.update({f"told {event}": n for event, n in told.items()})
    for what, count in total.items():
        print(f"{what:14} {count}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
