"""Which visits a reading may speak of: the visits of these days by client, caregiver and place.

Evidence is gathered from an hour before the window until four hours after it. A phone's fix
counts for the caregiver's own visits first. Where several homes are in reach (neighbours 70 m
apart, two visits in one building) it counts for the nearest, and for those that the fix cannot
tell from the nearest; of the visits left, for the one whose window is nearest in time; for the
caregiver's other visits it says "elsewhere". A fix near no home of the caregiver's own may show a
substitute, at the nearest home with a visit.
"""

from datetime import datetime, timedelta
from math import cos, radians
from typing import Literal, TypeVar

import msgspec

from alerts.town.geometry import METRES_A_DEGREE, Grid, metres
from alerts.types import VisitRecord
from devices.directory import Circle, Directory
from devices.readings import Position

# Evidence is gathered from an hour before the window until four hours after it. Our choice: wider
# than what counts as the visit, so that coming and leaving are seen too.
EARLY = timedelta(hours=1)
LATE = timedelta(hours=4)
# Metres of accuracy. Vaguer than VAGUE, a fix says nothing of a visit; as vague as WEAK, or without
# accuracy, it is weak evidence. Our choice.
VAGUE = 200.0
WEAK = 100.0
# Entering is prompt and leaving is slow, or a phone at the edge comes and goes. As in Tracelet's
# geofences: up to 50 m of accuracy help a fix in, and it is out when it lies 20 m beyond, its
# accuracy taken off.
ENTER = 50.0
LEAVE = 20.0
# Metres by which a home must be nearer to be preferred to another, at the least. Our choice.
APART = 20.0

Place = Literal["home", "weak", "mock", "elsewhere"]


class Near(msgspec.Struct, frozen=True, gc=False):
    """A visit as a fix is compared with it."""

    visit: str
    caregiver: str | None
    opens: datetime  # evidence is taken between these two
    closes: datetime
    start: datetime  # window
    end: datetime
    lat: float  # home, degrees WGS-84
    lon: float
    radius: float  # metres
    north: float  # degrees: a fix farther off than this or `east` is surely elsewhere
    east: float

    def surely_elsewhere(self, lat: float, lon: float) -> bool:
        """Return True if a place is so far off that no accuracy helps. Cheap, for most fixes."""
        if abs(lat - self.lat) > self.north:
            return True
        return self.east < abs(lon - self.lon) < 360 - self.east


class VisitIndex:
    """The visits of these days as last concluded, and where to look for them."""

    def __init__(self) -> None:
        self.visits: dict[str, VisitRecord] = {}
        self.concluded: list[VisitRecord] = []  # since the engine last took them, for the ledger
        self._of_client: dict[str, tuple[str, ...]] = {}
        self._of_caregiver: dict[str, tuple[str, ...]] = {}
        self._served_by: dict[str, frozenset[str]] = {}  # caregiver -> visits that they came to
        self._homes = Grid(reach=ENTER)  # client id -> home
        self._own: dict[str, tuple[Near, ...]] = {}  # caregiver -> visits ready to be compared
        self._at_home: dict[str, tuple[Near, ...]] = {}  # client -> the same
        self._last: tuple[Position, dict[str, Place]] | None = None

    def take(self, record: VisitRecord, directory: Directory) -> None:
        """Put a visit's record in the place of the one before."""
        before = self.visits.get(record.id)
        self._note_who_came(record.id, before.came if before else None, record.came)
        if before is not None and plan_of(before) != plan_of(record):
            self.drop(record.id)
            self._note_who_came(record.id, None, record.came)
            before = None
        self.visits[record.id] = record
        if before is not None:
            return
        visits = (*self.of_client(record.client), record.id)
        self._of_client[record.client] = tuple(sorted(visits))  # whatever came first
        if record.caregiver is not None:
            own = (*self.of_caregiver(record.caregiver), record.id)
            self._of_caregiver[record.caregiver] = tuple(sorted(own))
        self.moved(record.client, directory)

    def drop(self, visit: str) -> None:
        """Forget a visit."""
        record = self.visits.pop(visit, None)
        if record is None:
            return
        self._note_who_came(visit, record.came, None)
        self._forget_fixes(record)
        left = tuple(key for key in self.of_client(record.client) if key != visit)
        self._of_client[record.client] = left
        if not left:
            del self._of_client[record.client]
            self._homes.put(record.client, None)
        if record.caregiver is not None:
            own = tuple(key for key in self.of_caregiver(record.caregiver) if key != visit)
            self._of_caregiver[record.caregiver] = own

    def moved(self, client: str, directory: Directory) -> None:
        """Look up a client's home anew, if there are visits to it."""
        visits = self.of_client(client)
        if not visits:
            return
        registered = directory.clients.get(client)
        self._homes.put(client, registered.home if registered else None)
        for visit in visits:
            self._forget_fixes(self.visits[visit])

    def of_client(self, client: str) -> tuple[str, ...]:
        """Return the visits planned for a client, as ids."""
        return self._of_client.get(client, ())

    def of_caregiver(self, caregiver: str) -> tuple[str, ...]:
        """Return the visits planned for a caregiver, as ids."""
        return self._of_caregiver.get(caregiver, ())

    def served_by(self, caregiver: str) -> frozenset[str]:
        """Return the visits that a caregiver came to, as ids."""
        return self._served_by.get(caregiver, frozenset())

    def beside(self, record: VisitRecord) -> set[str]:
        """Return the visits that a fix of this one may count for as well, and some more, as ids."""
        clients = {record.client, *self._homes.beside(record.client)}
        people = {record.caregiver, record.came} - {None}
        return {
            *(visit for client in clients for visit in self.of_client(client)),
            *(visit for person in people if person for visit in self.of_caregiver(person)),
        } - {record.id}

    def open_at(self, visits: tuple[str, ...], at: datetime) -> list[VisitRecord]:
        """Return those of the visits that take evidence of this moment."""
        records = [self.visits[key] for key in visits]
        return [
            record
            for record in records
            if record.start - EARLY <= at <= record.end + LATE and record.takes_evidence
        ]

    def places(self, fix: Position, caregiver: str) -> dict[str, Place]:
        """Return the visits that a caregiver's fix counts for, and what it says of each."""
        if self._last is not None and self._last[0] is fix:
            return self._last[1]
        found = self._places(fix, caregiver)
        self._last = (fix, found)
        return found

    def _places(self, fix: Position, caregiver: str) -> dict[str, Place]:
        """Return what `places` does, worked out: own visits first, then those of others."""
        if fix.mock:
            return dict.fromkeys(self._own_open(caregiver, fix.at), "mock")
        accuracy = fix.accuracy or 0
        if accuracy > VAGUE:
            return {}
        inside, found = self._own_homes(fix, caregiver, accuracy)
        if not inside:
            inside = self._homes_near(fix, caregiver, accuracy)
            if not inside:
                return found
        else:
            found.update({near.visit: "elsewhere" for _, near in inside})
        place: Place = "home" if 0 < accuracy <= WEAK else "weak"
        for near in sorted(nearest(inside, fix.at, accuracy), key=in_order):
            found.pop(near.visit, None)
            found[near.visit] = place
        return found

    def _own_open(self, caregiver: str, at: datetime) -> list[str]:
        """Return the caregiver's visits that take evidence of a moment."""
        own = self._own.get(caregiver)
        ready = own if own is not None else self._ready_own(caregiver)
        return [near.visit for near in ready if near.opens <= at <= near.closes]

    def _own_homes(
        self, fix: Position, caregiver: str, accuracy: float
    ) -> tuple[list[tuple[float, Near]], dict[str, Place]]:
        """Return the caregiver's visits at whose homes a fix may be, with the distances.

        And those for which it is surely elsewhere.
        """
        at, lat, lon = fix.at, fix.lat, fix.lon
        inside: list[tuple[float, Near]] = []
        away: dict[str, Place] = {}
        own = self._own.get(caregiver)
        for near in own if own is not None else self._ready_own(caregiver):
            if not near.opens <= at <= near.closes:
                continue
            if not near.surely_elsewhere(lat, lon):
                distance = metres(near.lat, near.lon, lat, lon)
                if distance <= near.radius + min(accuracy, ENTER):
                    inside.append((distance, near))
                    continue
                if not surely_beyond(distance, near.radius, accuracy):
                    continue
            away[near.visit] = "elsewhere"
        return inside, away

    def _homes_near(
        self, fix: Position, caregiver: str, accuracy: float
    ) -> list[tuple[float, Near]]:
        """Return the visits of others at homes in reach: where a substitute may be."""
        found: list[tuple[float, Near]] = []
        for client in self._homes.near(fix.lat, fix.lon):
            for near in self._at_home.get(client) or self._ready_at_home(client):
                if near.caregiver == caregiver or not near.opens <= fix.at <= near.closes:
                    continue
                if near.surely_elsewhere(fix.lat, fix.lon):
                    continue
                distance = metres(near.lat, near.lon, fix.lat, fix.lon)
                if distance <= near.radius + min(accuracy, ENTER):
                    found.append((distance, near))
        return found

    def _ready_own(self, caregiver: str) -> tuple[Near, ...]:
        """Make a caregiver's visits ready to be compared with fixes."""
        found = self._own[caregiver] = self._ready(self.of_caregiver(caregiver))
        return found

    def _ready_at_home(self, client: str) -> tuple[Near, ...]:
        """Make the visits to a client ready to be compared with fixes."""
        found = self._at_home[client] = self._ready(self.of_client(client))
        return found

    def _ready(self, visits: tuple[str, ...]) -> tuple[Near, ...]:
        """Return those of the visits that take fixes at all, as fixes are compared with them."""
        records = (self.visits[visit] for visit in visits)
        homes = ((record, self._homes.circle(record.client)) for record in records)
        return tuple(
            near_of(record, home)
            for record, home in homes
            if home is not None and record.takes_evidence
        )

    def _note_who_came(self, visit: str, before: str | None, now: str | None) -> None:
        """Keep `served_by` up when a visit's record changes."""
        if before == now:
            return
        if before is not None:
            self._served_by[before] = self.served_by(before) - {visit}
        if now is not None:
            self._served_by[now] = self.served_by(now) | {visit}

    def _forget_fixes(self, record: VisitRecord) -> None:
        """Drop what was made ready of a visit, and the last answer."""
        self._at_home.pop(record.client, None)
        self._own.pop(record.caregiver or "", None)
        self._last = None


def near_of(record: VisitRecord, home: Circle) -> Near:
    """Return a visit, ready to be compared with fixes."""
    north = (home.radius + LEAVE + WEAK) / METRES_A_DEGREE
    return Near(
        record.id,
        record.caregiver,
        record.start - EARLY,
        record.end + LATE,
        record.start,
        record.end,
        home.lat,
        home.lon,
        home.radius,
        north,
        north / max(1e-9, cos(radians(min(abs(home.lat) + north, 90)))),
    )


def plan_of(record: VisitRecord) -> tuple[object, ...]:
    """Return what of a record decides where it is looked for."""
    return (record.client, record.caregiver, record.start, record.end, record.takes_evidence)


def surely_beyond(distance: float, radius: float, accuracy: float) -> bool:
    """Return True if a fix is outside a home whatever its accuracy hides; WEAK if it has none."""
    return distance - min(accuracy or WEAK, WEAK) > radius + LEAVE


def in_order(visit: Near) -> tuple[datetime, datetime, str]:
    """Return what puts visits into the order in which they are served."""
    return (visit.start, visit.end, visit.visit)


V = TypeVar("V", Near, VisitRecord)


def nearest(inside: list[tuple[float, V]], at: datetime, accuracy: float) -> list[V]:
    """Return the visits a fix counts for: nearest home first, then nearest window."""
    if len(inside) < 2:
        return [visit for _, visit in inside]
    reach = min(distance for distance, _ in inside) + max(accuracy, APART)
    left = [visit for distance, visit in inside if distance <= reach]
    soonest = min(from_window(visit, at) for visit in left)
    return [visit for visit in left if from_window(visit, at) == soonest]


def from_window(visit: Near | VisitRecord, at: datetime) -> timedelta:
    """Return how far a moment is from a visit's window; zero inside it."""
    return max(visit.start - at, at - visit.end, timedelta(0))
