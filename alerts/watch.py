"""Which visits a reading may speak of: the visits of these days by client, caregiver and place.

Evidence is gathered from an hour before the window until four hours after it. A phone's fix
counts for the caregiver's own visits first. Where several homes are in reach (neighbours 70 m
apart, two visits in one building) it counts for the nearest, and for those that the fix cannot
tell from the nearest; of the visits left, for the one whose window is nearest in time; for the
caregiver's other visits it says "elsewhere". A fix near no home of the caregiver's own may show a
substitute, at the nearest home with a visit.
"""

from datetime import datetime, timedelta
from typing import Literal

from alerts.geometry import Grid, metres
from alerts.types import VisitRecord
from devices.directory import Circle, Directory
from devices.readings import Position

EARLY = timedelta(hours=1)
LATE = timedelta(hours=4)
VAGUE = 200.0  # metres of accuracy; a vaguer fix says nothing of a visit
WEAK = 100.0  # metres; a fix as vague as this, or without accuracy, is weak evidence
ENTER = 50.0  # metres of accuracy that may help a fix into a home
LEAVE = 20.0  # metres beyond the home, accuracy taken off, that are surely elsewhere
APART = 20.0  # metres by which a home must be nearer to be told from another, at the least

Place = Literal["home", "weak", "mock", "elsewhere"]


class Watch:
    """The visits of these days as last concluded, and where to look for them."""

    def __init__(self) -> None:
        self.visits: dict[str, VisitRecord] = {}
        self._of_client: dict[str, tuple[str, ...]] = {}
        self._of_caregiver: dict[str, tuple[str, ...]] = {}
        self._homes = Grid(reach=ENTER)  # client id -> home
        self._last: tuple[Position, str, dict[str, Place]] | None = None

    def take(self, record: VisitRecord, directory: Directory) -> None:
        """Know this visit as it now is."""
        before = self.visits.get(record.id)
        if before is not None and before.caregiver != record.caregiver:
            self.drop(record.id)
            before = None
        self.visits[record.id] = record
        self._last = None
        if before is not None:
            return
        self._of_client[record.client] = (*self.of_client(record.client), record.id)
        if record.caregiver is not None:
            own = (*self.of_caregiver(record.caregiver), record.id)
            self._of_caregiver[record.caregiver] = own
        self.moved(record.client, directory)

    def drop(self, visit: str) -> None:
        """Forget this visit."""
        record = self.visits.pop(visit, None)
        if record is None:
            return
        self._last = None
        left = tuple(key for key in self.of_client(record.client) if key != visit)
        self._of_client[record.client] = left
        if not left:
            del self._of_client[record.client]
            self._homes.put(record.client, None)
        if record.caregiver is not None:
            own = tuple(key for key in self.of_caregiver(record.caregiver) if key != visit)
            self._of_caregiver[record.caregiver] = own

    def moved(self, client: str, directory: Directory) -> None:
        """The client's home may have changed."""
        if client in self._of_client:
            known = directory.clients.get(client)
            self._homes.put(client, known.home if known else None)
            self._last = None

    def of_client(self, client: str) -> tuple[str, ...]:
        """The visits planned for a client, as ids."""
        return self._of_client.get(client, ())

    def of_caregiver(self, caregiver: str) -> tuple[str, ...]:
        """The visits planned for a caregiver, as ids."""
        return self._of_caregiver.get(caregiver, ())

    def open_at(self, visits: tuple[str, ...], at: datetime) -> list[VisitRecord]:
        """Those of the visits that take evidence of this moment."""
        records = [self.visits[key] for key in visits]
        return [
            record
            for record in records
            if record.start - EARLY <= at <= record.end + LATE and record.state != "cancelled"
        ]

    def places(self, fix: Position, caregiver: str) -> dict[str, Place]:
        """For which visits a caregiver's fix counts, and what it says of each."""
        if self._last is not None and self._last[0] is fix:
            return self._last[2]
        found = self._places(fix, caregiver)
        self._last = (fix, caregiver, found)
        return found

    def _places(self, fix: Position, caregiver: str) -> dict[str, Place]:
        accuracy = fix.accuracy or 0
        if accuracy > VAGUE:
            return {}
        at = fix.at
        own = self.open_at(self.of_caregiver(caregiver), at)
        inside: list[tuple[float, VisitRecord]] = []
        found: dict[str, Place] = {}
        for record in own:
            home = self._homes.circle(record.client)
            if home is None:
                continue
            distance = metres(home.lat, home.lon, fix.lat, fix.lon)
            if distance <= home.radius + min(accuracy, ENTER):
                inside.append((distance, record))
            elif surely_beyond(distance, home, accuracy) and not fix.mock:
                found[record.id] = "elsewhere"
        if inside and not fix.mock:
            found.update({record.id: "elsewhere" for _, record in inside})
        elif not inside:
            inside = self._homes_near(fix, caregiver, at)
        place: Place = "mock" if fix.mock else "home" if 0 < accuracy <= WEAK else "weak"
        found.update({record.id: place for record in nearest(inside, at, accuracy)})
        return found

    def _homes_near(
        self, fix: Position, caregiver: str, at: datetime
    ) -> list[tuple[float, VisitRecord]]:
        """The visits of others at homes in reach: where a substitute may be."""
        reach = min(fix.accuracy or 0, ENTER)
        found: list[tuple[float, VisitRecord]] = []
        for client in self._homes.near(fix.lat, fix.lon):
            home = self._homes.circle(client)
            assert home is not None
            distance = metres(home.lat, home.lon, fix.lat, fix.lon)
            if distance <= home.radius + reach:
                visits = self.open_at(self.of_client(client), at)
                found += [(distance, visit) for visit in visits if visit.caregiver != caregiver]
        return found


def surely_beyond(distance: float, home: Circle, accuracy: float) -> bool:
    """Is a fix outside a home whatever its accuracy hides? A missing accuracy hides WEAK metres."""
    return distance - min(accuracy or WEAK, WEAK) > home.radius + LEAVE


def nearest(
    inside: list[tuple[float, VisitRecord]], at: datetime, accuracy: float
) -> list[VisitRecord]:
    """The visits a fix counts for: nearest home first, then nearest window."""
    if len(inside) < 2:
        return [record for _, record in inside]
    reach = min(distance for distance, _ in inside) + max(accuracy, APART)
    left = [record for distance, record in inside if distance <= reach]
    soonest = min(from_window(record, at) for record in left)
    return [record for record in left if from_window(record, at) == soonest]


def from_window(record: VisitRecord, at: datetime) -> timedelta:
    """How far a moment is from a visit's window; zero inside it."""
    return max(record.start - at, at - record.end, timedelta(0))
