"""How fast the engine walks a city's readings, all rules on, on one core.

    python tests/bench/bench_engine.py [--clients 37100] [--readings 200000] [--profile]

The city: 37,100 clients in villages, 1,067 caregivers, 1,727 visits a day, two home devices a
client, and the mix of a day: heartbeats, phone positions every 30 s on duty, door openings, a
little of everything else. Readings are made before the clock starts, and the engine walks some
fifty minutes of the day before it is timed: a device is asked about most when it is new.
"""

import argparse
import cProfile
import gc
import pstats
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from math import cos, sin
from typing import Any
from zoneinfo import ZoneInfo

from alerts.engine.engine import World
from alerts.types import PlannedVisit, PlanSet, Stored, Zone
from devices.directory import (
    Agency,
    Area,
    Caregiver,
    Circle,
    Client,
    Device,
    Directory,
    RegisterChange,
)
from devices.readings import DeviceStatus, DoorMoved, Position, Reading

ZONE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 11, 2, tzinfo=ZONE)
SECOND = timedelta(seconds=1)
SLICE = 25_000  # readings timed together
RATE = 170  # readings a second: 1,067 phones a fix in 30 s, 74,200 devices a beat in 10 min


class City:
    """A town of the size of Heze's service, drawn from a seed."""

    def __init__(self, clients: int, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.caregivers = max(1, clients * 1_067 // 37_100)
        villages = max(1, clients // 40)
        self.centres = [
            (35.0 + self.chance.random(), 115.0 + self.chance.random()) for _ in range(villages)
        ]
        self.homes = [self._home(n // 40 % villages) for n in range(clients)]
        self.visits = self._visits()
        self.directory = Directory("Asia/Shanghai").changed(self._register(clients, villages))
        self.plans = PlanSet(visits=tuple(self.visits), zones=tuple(self._zones(clients)))

    def _home(self, village: int) -> tuple[float, float]:
        lat, lon = self.centres[village]
        return lat + self.chance.gauss(0, 0.003), lon + self.chance.gauss(0, 0.003)

    def _visits(self) -> list[PlannedVisit]:
        """1.6 visits a caregiver today, as weekly series; each village has its caregivers."""
        found: list[PlannedVisit] = []
        per_caregiver = len(self.homes) // self.caregivers
        for g in range(self.caregivers):
            for turn in range(1 + (self.chance.random() < 0.62)):
                start = DAY.replace(hour=(8, 14)[turn]) + timedelta(days=-7 * (g % 50))
                found.append(
                    PlannedVisit(
                        id=f"v-{g}-{turn}",
                        client=f"c-{g * per_caregiver + turn}",
                        caregiver=f"g-{g}",
                        start=start,
                        end=start + timedelta(hours=3),
                        minutes=112,
                        rrule="FREQ=WEEKLY;BYDAY=MO",
                    )
                )
        return found

    def _zones(self, clients: int) -> list[Zone]:
        """One client in a hundred wears a tracker and has a fence around the home."""
        return [
            Zone(
                id=f"z-{n}",
                owner=f"client:c-{n}",
                rule="keep_in",
                circle=Circle(lat=self.homes[n][0], lon=self.homes[n][1], radius=300),
            )
            for n in range(0, clients, 100)
        ]

    def _register(self, clients: int, villages: int) -> RegisterChange:
        levels = ("independent", "partial", "full")
        devices = [
            Device(id=f"p-{g}", kind="phone", holder=f"caregiver:g-{g}")
            for g in range(self.caregivers)
        ]
        for n in range(clients):
            devices.append(Device(id=f"d-{n}", kind="door", holder=f"client:c-{n}"))
            devices.append(Device(id=f"b-{n}", kind="sos", holder=f"client:c-{n}"))
        devices += [
            Device(id=f"t-{n}", kind="phone", holder=f"client:c-{n}")
            for n in range(0, clients, 100)
        ]
        return RegisterChange(
            areas=(
                Area(id="county"),
                *(Area(id=f"a-{n}", parent="county") for n in range(villages)),
            ),
            agencies=tuple(Agency(id=f"ag-{n}") for n in range(15)),
            clients=tuple(
                Client(
                    id=f"c-{n}",
                    area=f"a-{n // 40 % villages}",
                    care_level=levels[n % 3],  # type: ignore[arg-type]
                    home=Circle(lat=self.homes[n][0], lon=self.homes[n][1], radius=150),
                )
                for n in range(clients)
            ),
            caregivers=tuple(
                Caregiver(id=f"g-{g}", agency=f"ag-{g % 15}") for g in range(self.caregivers)
            ),
            devices=tuple(devices),
        )

    def readings(self, count: int, begins: datetime) -> Iterator[Reading]:
        """The traffic from a moment on, in the order received, at the rate of such a city."""
        for n in range(count):
            at = begins + n / RATE * SECOND
            common = {"id": f"m{n}", "observed_at": at - self.chance.random() * SECOND}
            yield self._reading(n, at, {**common, "received_at": at})

    def _reading(self, n: int, at: datetime, common: dict[str, Any]) -> Reading:
        """Of 170 readings 124 are heartbeats, 36 positions, 10 doors and trackers."""
        draw, client = n * 61 % RATE, self.chance.randrange(len(self.homes))
        if draw < 36:
            return self._position((n // RATE * 36 + draw) % self.caregivers, at, common)
        if draw < 45:
            is_open = self.chance.random() < 0.5
            return DoorMoved(device=f"d-{client}", open=is_open, battery=80, **common)
        if draw < 46:
            wearer = client - client % 100
            lat, lon = self.homes[wearer]
            return Position(device=f"t-{wearer}", lat=lat, lon=lon, accuracy=15, **common)
        kind = "d" if draw < 108 else "b"
        return DeviceStatus(device=f"{kind}-{client}", online=True, battery=80, **common)

    def _position(self, g: int, at: datetime, common: dict[str, Any]) -> Position:
        """A caregiver: at the home for two hours of each visit, else on the roads around, at the
        pace of a bicycle."""
        per_caregiver, hour = len(self.homes) // self.caregivers, (at - DAY).total_seconds() / 3600
        turn = 0 if hour < 12 else 1
        lat, lon = self.homes[g * per_caregiver + turn]
        away = max((8, 14)[turn] - hour, hour - (10, 16)[turn], 0.0)  # hours to the visit
        if away:
            angle, way = g + hour * 4, 0.02 * min(4 * away, 1.0)
            lat, lon = lat + way * sin(angle), lon + way * cos(angle)
        return Position(
            device=f"p-{g}",
            lat=lat + self.chance.gauss(0, 0.00005),
            lon=lon + self.chance.gauss(0, 0.00005),
            accuracy=self.chance.choice((5.0, 12.0, 30.0)),
            battery=70,
            **common,
        )


def walk(world: World, stimuli: Iterable[Stored]) -> Counter[tuple[str, str]]:
    """All stimuli through the engine; what was found, counted."""
    found: Counter[tuple[str, str]] = Counter()
    for stimulus in stimuli:
        for finding in world.advance(stimulus).findings:
            found[finding.rule, finding.event] += 1
    return found


def timed(world: World, stimuli: list[Stored], profile: cProfile.Profile | None) -> list[float]:
    """CPU seconds a reading, slice by slice."""
    each: list[float] = []
    gc.collect()
    gc.freeze()  # as a lane does, so that what stays is not searched for garbage
    if profile is not None:
        profile.enable()
    for n in range(0, len(stimuli), SLICE):
        part = stimuli[n : n + SLICE]
        started = time.process_time()
        walk(world, part)
        each.append((time.process_time() - started) / len(part))
    if profile is not None:
        profile.disable()
        pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(40)
    return sorted(each)


def resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def saved_bytes(world: World) -> int:
    """What all that the rules remember takes in rows, keys included; nothing was saved before."""
    return sum(len(row.body) + len(row.key) for row in world.take_dirty())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--clients", type=int, default=37_100)
    options.add_argument("--readings", type=int, default=200_000)
    options.add_argument("--warm", type=int, default=500_000, help="readings before it is timed")
    options.add_argument("--profile", action="store_true")
    chosen = options.parse_args()
    city, begins = City(chosen.clients), DAY.replace(hour=7, minute=45)
    before, started = resident_mb(), time.perf_counter()
    world = World.begin(city.directory, city.plans, clock=begins)
    begun = time.perf_counter() - started
    traffic = enumerate(city.readings(chosen.warm + chosen.readings, begins), 1)
    stimuli = (Stored(n, reading) for n, reading in traffic)
    found = walk(world, islice(stimuli, chosen.warm))
    grown, timed_stimuli = resident_mb() - before, list(stimuli)
    each = timed(world, timed_stimuli, cProfile.Profile() if chosen.profile else None)
    size = saved_bytes(world) / chosen.clients
    middle = each[len(each) // 2]
    print(f"{chosen.clients} clients, {city.caregivers} caregivers, {len(city.visits)} visits")
    print(f"begun in {begun:.2f} s, grown by {grown:,.0f} MB")
    print(f"{size:,.0f} saved bytes a client")
    print(f"readings/s: median slice {1 / middle:,.0f}, best {1 / each[0]:,.0f}")
    print(f"microseconds a reading: median {middle * 1e6:.1f}, best {each[0] * 1e6:.1f}")
    print("kinds: ", dict(Counter(type(one.reading).__name__ for one in timed_stimuli)))
    print("found while warming: ", {" ".join(key): n for key, n in sorted(found.items())})


if __name__ == "__main__":
    main()
