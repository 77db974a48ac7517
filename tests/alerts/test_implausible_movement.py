"""No road is that fast; jitter, backlogs and missing times are not speed."""

from itertools import permutations

import pytest
from story import HOME, Story, caregiver, phone

from alerts.types import RuleScope


def story(*more: object) -> Story:
    return Story(caregiver("g-1"), phone("g-1"), *more, only=("implausible_movement",))  # type: ignore[arg-type]


def test_too_fast_raises_once_with_both_fixes() -> None:
    told = story().at("10:00").position("g-1", HOME).at("10:10").position("g-1", HOME.north(60_000))
    found = told.expect("implausible_movement", "caregiver:g-1", at="10:10", severity="low")
    assert found.reason == "too_fast"
    assert [fact.id for fact in found.evidence] == ["m-1", "m-2"]
    told.at("10:11").position("g-1", HOME).expect_nothing()


def test_a_car_a_walk_and_standing_still_raise_nothing() -> None:
    told = story()
    for minute in range(60):
        told.at(f"10:{minute:02}").position("g-1", HOME.north(2_000 * minute))  # 120 km/h
    told.stays("g-1", HOME.north(118_000), "11:00", "12:00").expect_nothing()


@pytest.mark.parametrize(
    ("accuracy", "metres", "raises"),
    [
        (10, 2_600, True),  # 155 km/h for a minute, 20 m of it doubtful
        (10, 2_515, False),
        (None, 2_650, False),  # no accuracy counts as 100 m each
        (0, 2_650, False),
        (None, 2_750, True),
        (101, 50_000, False),  # too vague to say anything
    ],
)
def test_the_accuracy_is_taken_off(accuracy: float | None, metres: float, raises: bool) -> None:
    told = story().at("10:00").position("g-1", HOME, accuracy)
    told.at("10:01").position("g-1", HOME.north(metres), accuracy)
    assert [found.reason for found in told.told] == ["too_fast"] * raises


def test_jitter_within_five_seconds_is_no_speed() -> None:
    told = story()
    for second in range(30):
        wild = HOME.north(190 if second % 2 else 0)  # a cheap phone that jumps 190 m
        told.at(f"10:00:{second:02}").position("g-1", wild, 1.9)
    told.expect_nothing()


def test_equal_missing_and_quarantined_times_say_nothing() -> None:
    told = story().at("10:00").position("g-1", HOME)
    told.position("g-1", HOME.north(50_000))
    told.at("10:01").position("g-1", HOME.north(50_000), observed_at=None)
    told.position("g-1", HOME.north(50_000), clock="quarantined")
    told.expect_nothing()


def test_a_mock_position_raises_by_itself() -> None:
    told = story().at("03:00").position("g-1", HOME, mock=True)
    found = told.expect("implausible_movement", "caregiver:g-1", at="03:00", reason="mock")
    assert [fact.what for fact in found.evidence] == ["mock"]
    told.at("03:01").position("g-1", HOME, mock=True).expect_nothing()


def test_half_an_hour_of_plausible_fixes_clears() -> None:
    told = story().at("10:00").position("g-1", HOME, mock=True)
    told.expect("implausible_movement", "caregiver:g-1", "raised")
    told.at("10:29").position("g-1", HOME).expect_nothing()
    told.at("10:30").position("g-1", HOME)
    told.expect("implausible_movement", "caregiver:g-1", "cleared", at="10:30", reason="plausible")
    told.at("11:00").position("g-1", HOME, mock=True)
    told.expect("implausible_movement", "caregiver:g-1", "raised", at="11:00")


ROUND = [(minute, HOME.north(900 * minute)) for minute in range(4)]  # 54 km/h


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_real_journey_is_plausible_in_any_order(order: tuple[int, ...]) -> None:
    told = story().at("12:00")
    for n in order:
        minute, spot = ROUND[n]
        told.position("g-1", spot, observed=f"10:0{minute}")
    told.expect_nothing()


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_jump_is_found_in_any_order(order: tuple[int, ...]) -> None:
    told = story().at("12:00")
    for n in order:
        minute, spot = ROUND[n]
        told.position("g-1", spot.east(80_000 if n == 2 else 0), observed=f"10:0{minute}")
    told.expect("implausible_movement", "caregiver:g-1", "raised")
    told.expect_nothing()


def test_a_long_backlog_behind_a_live_fix_is_judged_in_itself() -> None:
    told = story().stays("g-1", HOME.north(90_000), "12:00", "12:20")
    for minute in range(0, 30):
        jump = 70_000 if minute == 20 else 0
        told.position("g-1", HOME.north(jump), observed=f"10:{minute:02}")
    told.expect("implausible_movement", "caregiver:g-1", "raised")


def test_the_same_message_twice_is_one_and_a_restart_forgets_nothing() -> None:
    told = story().at("10:00").position("g-1", HOME).restart()
    told.at("10:05").position("g-1", HOME.north(50_000), id="far")
    told.expect("implausible_movement", "caregiver:g-1", "raised")
    told.restart().position("g-1", HOME.north(50_000), id="far").expect_nothing()


def test_the_speed_may_differ_for_some() -> None:
    scope = RuleScope(subject="caregiver:g-1", rules={"implausible_movement": {"km_per_hour": 40}})
    told = story(scope).at("10:00").position("g-1", HOME)
    told.at("10:01").position("g-1", HOME.north(1_000))
    found = told.expect("implausible_movement", "caregiver:g-1", "raised")
    assert found.settings == {"km_per_hour": 40.0}
