"""The bench runs and counts; how large its figures are is for a quiet machine to say."""

import msgspec
import pytest
from broker_fixtures import Broker

from tests.bench.clients import compare
from tests.bench.latency import summed
from tests.bench.sections import QUICK, roads


@pytest.mark.system
def test_the_roads_beside_ours_are_measured() -> None:
    rows = list(roads(msgspec.structs.replace(QUICK, messages=500)))
    assert [row.what.partition(" ")[0] for row in rows] == ["null", "COPY", "store.save"]


@pytest.mark.edge
def test_our_session_and_paho_take_it_all_and_ours_leaves_nothing(broker: Broker) -> None:
    for rate in (0.0, 2_000.0):
        found = compare(broker, 500, 1, rate, ["our session", "paho, manual_ack"])
        assert [len(costs) for costs in found.values()] == [1, 1]
        assert found["our session"][0].left == 0


def test_a_press_without_a_page_misses_every_target() -> None:
    found = summed(3, [4.0, 2.0])
    assert (found.p50, found.p99, found.longest) == (2.0, 4.0, 4.0)
    assert not found.within(1_000, 1_000)
    assert summed(2, [4.0, 2.0]).within(1_000, 1_000)
    assert not summed(1, []).within(1_000, 1_000)
