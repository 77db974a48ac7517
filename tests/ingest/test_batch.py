from collections.abc import Callable
from itertools import islice

from ingest.lanes.batch import gather, patience


class Road:
    """A broker whose messages come at told moments, and a clock that moves when waited for."""

    def __init__(self, *coming: tuple[float, list[int]]) -> None:
        self.now = 0.0
        self.coming = list(coming)

    def clock(self) -> float:
        return self.now

    def take(self, timeout: float) -> list[int]:
        if self.coming and self.coming[0][0] <= self.now + timeout:
            at, chunk = self.coming.pop(0)
            self.now = max(self.now, at)
            return chunk
        self.now += timeout
        return []

    def batches(
        self, count: int, *, size: int = 100, urgent: Callable[[int], bool] = lambda _: False
    ) -> list[list[int]]:
        made = gather(self.take, size=size, linger=0.05, beat=0.25, urgent=urgent, clock=self.clock)
        return list(islice(made, count))


def test_a_lone_message_waits_for_nobody() -> None:
    road = Road((1.0, [1]), (1.01, [2]))
    made = gather(road.take, size=100, linger=0.05, beat=2.0, clock=road.clock)
    assert next(made) == [1]
    assert road.now == 1.0


def test_what_waits_already_is_taken_together() -> None:
    road = Road((0.0, [1, 2]), (0.0, [3]), (0.0, [4]))
    assert road.batches(1) == [[1, 2, 3, 4]]


def test_under_load_a_batch_stays_open_for_more() -> None:
    road = Road((0.0, list(range(100))), (0.0, list(range(100))), (0.2, [1]), (0.21, [2]))
    assert road.batches(3)[2] == [1, 2]


def test_an_urgent_message_closes_the_batch_at_once() -> None:
    load = [(0.0, list(range(1, 100))) for _ in range(4)]
    road = Road(*load, (0.2, [1, -1]), (0.2, [2]))
    assert road.batches(5, size=99, urgent=lambda n: n < 0)[4] == [1, -1]
    assert road.now == 0.2


def test_a_large_chunk_is_cut_and_its_rest_comes_next() -> None:
    road = Road((0.0, list(range(250))))
    assert [len(batch) for batch in road.batches(3)] == [100, 100, 50]


def test_quiet_gives_an_empty_batch_each_beat() -> None:
    road = Road()
    assert road.batches(3) == [[], [], []]
    assert road.now == 0.75


def test_patience_grows_with_the_load() -> None:
    assert patience(1, 0.05) == 0
    assert 0 < patience(10, 0.05) < patience(40, 0.05) < 0.05
    assert patience(500, 0.05) == 0.05
