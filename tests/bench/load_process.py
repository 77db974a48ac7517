"""The load generator in a process of its own, so that it and what measures don't share a GIL."""

import multiprocessing
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from secrets import token_hex
from typing import Literal

import msgspec

from tests.bench.load import PHONES, Load, Make, mixed
from tests.bench.town import home
from tests.clock import epoch_now, utc_now

HERE = multiprocessing.get_context("spawn")
FIX_EVERY = timedelta(hours=8) / 128  # of a phone at night
AT_THE_HOME = timedelta(minutes=100)  # at the night's end
PRESS_EVERY = 100_000  # messages of a "day"; nobody answers, so what is open only grows
ACTIVE = 1_000  # devices that speak in "spread" traffic, however many are registered


class Traffic(msgspec.Struct, frozen=True):
    """What is published. `rate` in messages a second, 0 = as fast as it goes."""

    total: int
    kind: Literal["mixed", "calm", "day", "night", "back", "spread"] = "mixed"
    rate: float = 0
    connections: int = 20
    window: int = 100
    devices: int = ACTIVE  # registered, for "spread"

    def make(self) -> Make:
        """The messages, under ids of this run's own."""
        run, began = f"{self.kind}{token_hex(8)}", utc_now()
        if self.kind == "night":
            return night(run, began, self.total)
        if self.kind == "back":
            return back(run, began)
        if self.kind == "spread":
            return spread(run, began, self.devices)
        if self.kind == "day":
            every = timedelta(seconds=1 / self.rate)
            return mixed(run, began, every=every, press_every=PRESS_EVERY, place=walking)
        quiet = self.kind == "calm"
        return mixed(run, began - timedelta(minutes=2), press_every=0 if quiet else 100)


class Published(msgspec.Struct, frozen=True):
    """How it went."""

    began: float  # epoch seconds of the first publish
    seconds: float  # until the broker had acknowledged the last
    acknowledged: int


class Crowd:
    """A load that runs from the start of the block; `published` waits for its end."""

    def __init__(self, port: int, traffic: Traffic) -> None:
        self._ours, theirs = HERE.Pipe()
        self._process = HERE.Process(target=_run, args=(port, traffic, theirs), daemon=True)

    def __enter__(self) -> "Crowd":
        self._process.start()
        self.began = float(self._ours.recv())  # it has loaded its modules and begins
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def published(self, timeout: float = 600) -> Published:
        """Return when the broker has it all. Raises TimeoutError."""
        if not self._ours.poll(timeout):
            raise TimeoutError(f"the load has not ended after {timeout} s")
        return Published(self.began, *self._ours.recv())


def _run(port: int, traffic: Traffic, pipe: Connection) -> None:
    load = Load(
        port,
        traffic.make(),
        traffic.total,
        rate=traffic.rate,
        connections=traffic.connections,
        window=traffic.window,
    )
    pipe.send(epoch_now())
    load.run()
    pipe.send((load.seconds, sum(load.acked)))


def walking(n: int) -> tuple[float, float]:
    """A phone that goes to and fro a few hundred metres from a home, a decimetre a fix."""
    lat, lon = home(n % PHONES)
    return lat + abs(n // PHONES % 2_000 - 1_000) / 1e6, lon + 0.004


def night(run: str, began: datetime, total: int) -> Make:
    """Positions that phones without a network kept since last night, oldest first.

    Each phone lay a kilometre west of the client of its number, and was at that client's home for
    the last hundred minutes.
    """

    def make(n: int) -> tuple[str, bytes]:
        phone, ago = n % PHONES, FIX_EVERY * ((total - n) / PHONES)
        lat, lon = home(phone)
        lon -= 0 if ago < AT_THE_HOME else 0.011
        at = (began - ago).isoformat(timespec="milliseconds")
        body = (
            f'{{"id":"{run}-{n}","at":"{at}","replayed":true,'
            f'"lat":{lat:.5f},"lon":{lon:.5f},"accuracy":12,"battery":40}}'
        )
        return f"carewatch/v1/wangji/position/phone-{phone}", body.encode()

    return make


def back(run: str, began: datetime) -> Make:
    """Doors that say they are online again, each in a connection of its own."""

    def make(n: int) -> tuple[str, bytes]:
        body = f'{{"id":"{run}-{n}","at":"{began.isoformat()}","online":true}}'
        return f"carewatch/v1/wangji/status/door-{n % 500}", body.encode()

    return make


def spread(run: str, began: datetime, devices: int) -> Make:
    """The same `ACTIVE` devices, evenly out of all that are registered as `extra-N`."""
    kinds: tuple[Callable[[int], str], ...] = (
        lambda n: f'"lat":35.2,"lon":{115 + n % 1000 / 1e4},"accuracy":12',
        lambda n: f'"open":{"true" if n % 2 else "false"}',
        lambda _: '"online":true,"battery":64',
    )

    def make(n: int) -> tuple[str, bytes]:
        at = (began + timedelta(milliseconds=n)).isoformat(timespec="milliseconds")
        device = n % ACTIVE * (devices // ACTIVE)
        kind = device // max(devices // ACTIVE, 1) % 3
        body = f'{{"id":"{run}-{n}","at":"{at}",{kinds[kind](n)}}}'
        name = ("position", "door", "status")[kind]
        return f"carewatch/v1/wangji/{name}/extra-{device}", body.encode()

    return make
