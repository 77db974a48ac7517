"""The simulated town: which message is due when. Pure but for its own random numbers.

Every device has its next moment on one heap; `due(now)` hands out all messages up to now and
puts each device back. What real devices do wrong is done here on purpose and named: repeated
messages, a phone that buffers for minutes, a clock ahead, garbage, a stranger's device.
"""

import heapq
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from devices.directory import Device, Directory
from devices.simulator.rounds import Round, metres_off
from devices.simulator.speech import Publication, door, face, heartbeat, position, press

FIX_EVERY = timedelta(seconds=5)
BEAT_EVERY = {"door": timedelta(minutes=10), "sos": timedelta(minutes=10)}
TERMINAL_BEAT = timedelta(seconds=60)
DOOR_PAUSE = (600.0, 5400.0)  # seconds between a home's door being opened
DOOR_OPEN = (4.0, 90.0)  # seconds it stays open
FACE_PAUSE = (60.0, 420.0)  # seconds between people at the terminal
JITTER = 4.0  # metres, one standard deviation of a good fix
BUS_SPEED = 14.0  # m/s; faster would itself be an alert
REPEATED = 0.02  # share of messages that a device sends twice
GARBAGE_EVERY = timedelta(minutes=3)
AHEAD = timedelta(minutes=3)  # how wrong the one wrong clock is
SILENT_FROM, SILENT_FOR = 10, 3  # the buffering phone: minute of each half hour, minutes

Sender = Callable[[datetime], list[Publication]]
Pause = Callable[[], timedelta | None]  # until the next time; None = never again


def bus_ride(trip: tuple[datetime, datetime] | None, at: datetime) -> float:
    """Return metres from home during a trip out and back; 0 before and after it."""
    if trip is None:
        return 0.0
    out, left = (at - trip[0]).total_seconds(), (trip[1] - at).total_seconds()
    return max(0.0, BUS_SPEED * min(out, left))


class SimulatedTown:
    """All devices of a register, speaking from `start` on."""

    def __init__(
        self,
        directory: Directory,
        rounds: Mapping[str, Round],
        start: datetime,
        seed: int = 1,
        site: str = "town",
    ) -> None:
        self._rng = random.Random(seed)
        self._site = site
        self._directory = directory
        self._rounds = rounds
        self._heap: list[tuple[datetime, int, Sender, Pause]] = []
        self._count = 0
        self._run = f"{int(start.timestamp()):x}"  # keeps ids of two runs apart
        self._buffer: list[Publication] = []
        self._wandering: dict[str, tuple[datetime, datetime]] = {}  # client id -> from, until
        self._start = start
        for device in directory.devices:
            self._enrol(device)
        self._every(GARBAGE_EVERY, self._garbage)

    def due(self, now: datetime) -> Iterator[Publication]:
        """Yield all messages due up to `now`, oldest first."""
        while self._heap and self._heap[0][0] <= now:
            at, n, sender, pause = heapq.heappop(self._heap)
            for message in sender(at):
                yield message
                if self._rng.random() < REPEATED:
                    yield message
            wait = pause()
            if wait is not None:
                heapq.heappush(self._heap, (at + wait, n, sender, pause))

    def wander(self, client: str, start: datetime, until: datetime) -> None:
        """Let a client with a tracker take the bus out of the fence and be home at `until`."""
        self._wandering[client] = start, until

    def press(self, device: Device, at: datetime, how: str = "short") -> Publication:
        """Return a press of this button now."""
        return press(device, self._site, self._key(), at, how)

    def _enrol(self, device: Device) -> None:
        who = device.subject.id
        match device.kind, device.subject.kind:
            case "phone", "caregiver":
                self._every(FIX_EVERY, lambda at: self._caregiver_fix(device, who, at))
            case "phone", "client":
                self._every(FIX_EVERY, lambda at: self._client_fix(device, who, at))
            case "door", _:
                self._at_random(DOOR_PAUSE, lambda at: self._door(device, at))
                self._beats(device, BEAT_EVERY["door"])
            case "sos", _:
                self._beats(device, BEAT_EVERY["sos"])
            case "terminal", _:
                self._beats(device, TERMINAL_BEAT)
                self._at_random(FACE_PAUSE, lambda at: self._face(device, at))

    def _every(self, pause: timedelta, sender: Sender) -> None:
        first = self._start + pause * self._rng.random()
        self._push(first, sender, lambda: pause)

    def _at_random(self, between: tuple[float, float], sender: Sender) -> None:
        def pause() -> timedelta:
            return timedelta(seconds=self._rng.uniform(*between))

        self._push(self._start + pause() * self._rng.random(), sender, pause)

    def _beats(self, device: Device, pause: timedelta) -> None:
        # The first beat comes at once: a device that was never heard looks broken.
        def beat(at: datetime) -> list[Publication]:
            return [heartbeat(device, self._site, self._key(), at, self._battery(device))]

        first = self._start + timedelta(seconds=self._rng.uniform(0, 20))
        self._push(first, beat, lambda: pause)

    def _push(self, at: datetime, sender: Sender, pause: Pause) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, sender, pause))

    def _key(self) -> str:
        self._count += 1
        return f"{self._run}-{self._count}"

    def _battery(self, device: Device) -> int:
        return 60 + sum(device.id.encode()) % 40

    def _jitter(self, point: tuple[float, float]) -> tuple[float, float]:
        return metres_off(point, self._rng.gauss(0, JITTER), self._rng.gauss(0, JITTER))

    def _caregiver_fix(self, device: Device, caregiver: str, at: datetime) -> list[Publication]:
        path = self._rounds.get(caregiver)
        if path is None:
            return []
        said = at + AHEAD if device.id.endswith("9") else at
        where = self._jitter(path.where(at))
        buffering = device.id.endswith("5") and SILENT_FROM <= at.minute % 30 < (
            SILENT_FROM + SILENT_FOR
        )
        message = position(
            device,
            self._site,
            self._key(),
            said,
            where,
            accuracy=round(self._rng.uniform(4, 18), 1),
            battery=self._battery(device),
            **({"replayed": True} if buffering else {}),
        )
        if buffering:
            self._buffer.append(message)
            return []
        if not device.id.endswith("5"):
            return [message]
        backlog, self._buffer = self._buffer, []
        return [*backlog, message]

    def _client_fix(self, device: Device, client: str, at: datetime) -> list[Publication]:
        person = self._directory.clients.get(client)
        if person is None or person.home is None:
            return []
        away = bus_ride(self._wandering.get(client), at)
        fix = self._jitter(metres_off((person.home.lat, person.home.lon), away, 0.0))
        battery = self._battery(device)
        return [position(device, self._site, self._key(), at, fix, accuracy=9.0, battery=battery)]

    def _door(self, device: Device, at: datetime) -> list[Publication]:
        closed = at + timedelta(seconds=self._rng.uniform(*DOOR_OPEN))
        battery = self._battery(device)
        self._once(closed, lambda t: [door(device, self._site, self._key(), t, False, battery)])
        return [door(device, self._site, self._key(), at, True, battery)]

    def _once(self, at: datetime, sender: Sender) -> None:
        self._push(at, sender, lambda: None)

    def _face(self, device: Device, at: datetime) -> list[Publication]:
        home = device.subject
        if home.kind != "facility":
            return []
        codes = [r.face for r in self._directory.residents if r.facility == home.id and r.face]
        if not codes:
            return []
        stranger = self._rng.random() < 0.04
        person = "0" if stranger else self._rng.choice(codes)
        score = self._rng.uniform(0.3, 0.5) if stranger else self._rng.uniform(0.86, 0.99)
        self._count += 1
        record = int(self._run, 16) % 1_000_000 * 1_000 + self._count
        return [face(device, record, at, person, score)]

    def _garbage(self, at: datetime) -> list[Publication]:
        return [
            self._rng.choice(
                (
                    Publication(
                        f"carewatch/v1/{self._site}/position/phone-g1", b'{"lat": 35.2, "lon":'
                    ),
                    Publication(
                        f"carewatch/v1/{self._site}/door/nobodys-door", b'{"id":"1","at":1}'
                    ),
                    Publication(f"carewatch/v1/{self._site}/position/phone-g2", b"\xff\xfe\x00"),
                )
            )
        ]
