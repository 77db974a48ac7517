"""A week of nights, and a checker over everything that was said and sent in them.

A thousand alerts a seed; CAREWATCH_NIGHT_ALERTS=10000 makes ten thousand of each week.
"""

import os
from datetime import timedelta
from functools import cache

import pytest

from alerts.types import Severity
from tests.alerts import paging_invariants
from tests.alerts.paging_nights import Left, Nights, Said
from tests.alerts.paging_town import PEOPLE

pytestmark = pytest.mark.slow


ALERTS = int(os.environ.get("CAREWATCH_NIGHT_ALERTS", "1000"))
SEEDS = (1, 2, 3)


@cache
def week(seed: int) -> Nights:
    return Nights(ALERTS, seed).run()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_alert_is_left_alone_and_nobody_off_duty_is_woken(seed: int) -> None:
    assert paging_invariants.wrongs(week(seed).log, PEOPLE)[:5] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_every_alert_comes_to_an_end_and_no_page_is_left_over(seed: int) -> None:
    nights = week(seed)
    assert {alert.state for alert in nights.alerts.values()} <= {"resolved", "cleared"}
    assert {row.state for row in nights.rows.values()} <= {"delivered", "failed", "cancelled"}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_week_was_a_hard_one(seed: int) -> None:
    """The checks above mean something only if all of it really happened."""
    nights = week(seed)
    words = {line.what for alert in nights.alerts.values() for line in alert.story}
    assert {
        "acknowledged", "also_acknowledged", "arrived", "cleared", "escalated", "failed_permanent",
        "failed_temporary", "joined", "muted", "next_contact", "not_arrived", "resolved",
        "skipped", "too_late", "unmuted",
    } <= words  # fmt: skip
    assert nights.restarts >= 30
    lost = [entry for entry in nights.log if isinstance(entry, Left) and len(entry.pages) > 1]
    assert lost


def test_the_same_nights_say_the_same() -> None:
    assert Nights(60, 7).run().log == Nights(60, 7).run().log


def test_life_alerts_ring_at_once() -> None:
    first: dict[str, Said] = {}
    for one in week(1).log:
        if isinstance(one, Said) and one.pages and one.alert.severity is Severity.LIFE:
            first.setdefault(one.alert.id, one)
    assert len(first) > 10
    assert {one.pages[0].due_at - one.alert.raised_at for one in first.values()} == {timedelta(0)}
