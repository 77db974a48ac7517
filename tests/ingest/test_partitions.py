"""Which partitions there should be, by the calendar alone."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from ingest.store.partitions import (
    EVENT,
    KEPT,
    TRACK,
    PartitionedTable,
    Span,
    name_of,
    outlived,
    wanted,
)

SUNDAY = date(2026, 11, 22)


def test_positions_have_a_partition_a_day() -> None:
    spans = wanted(TRACK, SUNDAY)
    assert spans[0] == Span(date(2026, 11, 19), date(2026, 11, 20))
    assert spans[-1] == Span(date(2026, 11, 29), date(2026, 11, 30))
    assert len(spans) == 11


def test_events_have_a_partition_a_week() -> None:
    spans = wanted(EVENT, SUNDAY)
    assert [span.start for span in spans] == [date(2026, 11, 16), date(2026, 11, 23)]


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.table)
def test_from_day_to_day_the_same_spans_move_on(kept: PartitionedTable) -> None:
    """No two spans overlap, and none is forgotten on the way."""
    ever = sorted({span for n in range(400) for span in wanted(kept, SUNDAY + timedelta(days=n))})
    assert all(one.end == other.start for one, other in pairwise(ever))


def test_a_partition_goes_when_its_last_reading_has_had_its_time() -> None:
    old = [Span(date(2026, 8, n), date(2026, 8, n + 1)) for n in (22, 23, 24, 25)]
    assert outlived(TRACK, old, SUNDAY) == old[:2]
    assert outlived(EVENT, old, SUNDAY) == []


def test_a_partition_is_named_after_its_first_day() -> None:
    assert name_of("reading_track", Span(SUNDAY, SUNDAY)) == "reading_track_20261122"
