"""From the press of a button to the webhook of the person on call, in milliseconds."""

import math
import time
from collections.abc import Iterable, Sequence
from secrets import token_hex

import msgspec

from tests.bench.load import SITE, Publisher
from tests.clock import epoch_now, utc_now
from tests.system.running import Receiver

PATIENCE = 60.0  # seconds for the last page


class Latency(msgspec.Struct, frozen=True):
    """What the presses of one stretch took."""

    pressed: int
    paged: int
    p50: float  # ms; of those that were paged
    p99: float
    longest: float

    def figure(self) -> str:
        missing = "" if self.paged == self.pressed else f" **{self.pressed - self.paged} unpaged**"
        return (
            f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, longest {self.longest:.1f} ms"
            f" of {self.pressed}{missing}"
        )

    def within(self, p50: float, p99: float) -> bool:
        """Both, and every press was paged."""
        return self.paged == self.pressed and self.p50 < p50 and self.p99 < p99


def press(port: int, receiver: Receiver, buttons: Sequence[int], rate: float) -> Latency:
    """Press each of these buttons once, `rate` a second, and wait for the pages.

    Each belongs to a client of its own, so that no press joins the alert of another. A press
    counts from before its bytes leave the publisher until the webhook's handler has the body.
    """
    pressed: dict[str, float] = {}
    publisher = Publisher(port, f"presser-{token_hex(8)}")
    publisher.connect()
    began = time.monotonic()
    try:
        for turn, n in enumerate(buttons):
            time.sleep(max(0.0, began + turn / rate - time.monotonic()))
            pressed[f"client:presser-{n}"] = epoch_now()
            publisher.send(publisher.add(turn, *_said(n)))
        came = _await(receiver, pressed)
    finally:
        publisher.take_back()
    return summed(len(pressed), [1e3 * (came[who] - pressed[who]) for who in came])


def _said(n: int) -> tuple[str, bytes]:
    at = utc_now().isoformat(timespec="milliseconds")
    body = f'{{"id":"press-{n}-{token_hex(8)}","at":"{at}"}}'
    return f"carewatch/v1/{SITE}/sos/press-{n}", body.encode()


def _await(receiver: Receiver, subjects: Iterable[str]) -> dict[str, float]:
    """When the first page about each of these came, for those that came."""
    wanted, until = set(subjects), time.monotonic() + PATIENCE
    while True:
        came: dict[str, float] = {}
        for at, page in receiver.pages[:]:
            if page["subject"] in wanted:
                came.setdefault(page["subject"], at)
        if len(came) == len(wanted) or time.monotonic() > until:
            return came
        time.sleep(0.05)


def summed(pressed: int, took: list[float]) -> Latency:
    """The figures of these milliseconds; p99 is the smallest that 99 in 100 do not exceed."""
    took = sorted(took) or [math.inf]
    return Latency(
        pressed,
        len(took) if math.isfinite(took[0]) else 0,
        took[math.ceil(len(took) * 0.5) - 1],
        took[math.ceil(len(took) * 0.99) - 1],
        took[-1],
    )
