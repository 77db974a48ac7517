"""The bench runs and counts; how large its figures are is for a quiet machine to say."""

import msgspec
import pytest

from tests.bench.latency import summed
from tests.bench.sections import QUICK, roads


@pytest.mark.system
def test_the_roads_beside_ours_are_measured() -> None:
    rows = list(roads(msgspec.structs.replace(QUICK, messages=500)))
    assert [row.what.partition(" ")[0] for row in rows] == ["null", "COPY", "store.save"]


def test_a_press_without_a_page_misses_every_target() -> None:
    found = summed(3, [4.0, 2.0])
    assert (found.p50, found.p99, found.longest) == (2.0, 4.0, 4.0)
    assert not found.within(1_000, 1_000)
    assert summed(2, [4.0, 2.0]).within(1_000, 1_000)
    assert not summed(1, []).within(1_000, 1_000)
