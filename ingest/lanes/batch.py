"""Groups deliveries for one transaction: small and at once when quiet, large under load."""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import TypeVar

D = TypeVar("D")
Take = Callable[[float], list[D]]  # waits so many seconds for deliveries; [] when none came

FULL_LOAD = 64  # messages a batch from which on the whole linger is waited
REMEMBERED = 0.75  # share of the former average in the running average of batch sizes


def patience(average: float, linger: float) -> float:
    """Return the seconds to wait for company, by the size of recent batches: 0 when quiet."""
    return linger * min(1.0, max(0.0, average - 1) / FULL_LOAD)


def gather(
    take: Take[D],
    *,
    size: int,
    linger: float,
    beat: float,
    urgent: Callable[[D], bool] = lambda _: False,
    clock: Callable[[], float] = monotonic,
) -> Iterator[list[D]]:
    """Yield batches of at most `size`, in order, for ever; an empty one after `beat` seconds.

    What waits already is taken together. Under load a batch stays open up to `linger` seconds
    more; an urgent delivery closes it at once.
    """
    waiting: list[D] = []
    average = 0.0
    while True:
        waiting = waiting or take(beat)
        if not waiting:
            average *= REMEMBERED
            yield []
            continue
        closes = clock() + patience(average, linger)
        looked = 0
        while len(waiting) < size and not any(map(urgent, waiting[looked:])):
            looked = len(waiting)
            more = take(max(0.0, closes - clock()))
            if not more:
                break
            waiting += more
        batch, waiting = waiting[:size], waiting[size:]
        average = average * REMEMBERED + len(batch) * (1 - REMEMBERED)
        yield batch
