"""A low battery is told after two messages, and forgotten once it is charged."""

from itertools import permutations

import pytest
from story import Story, button, client, door

from alerts.types import RuleScope


def story(**kw: object) -> Story:
    town = (client("c-1"), door("c-1"), button("c-1"))
    return Story(*town, only=("battery_low",), **kw)  # type: ignore[arg-type]


def said(told: Story, *percents: float) -> Story:
    """One status report a minute, from 10:00."""
    for minute, percent in enumerate(percents):
        told.at(f"10:{minute:02}").status("door-c-1", battery=percent)
    return told


def test_two_low_messages_raise_once() -> None:
    told = said(story(), 14, 13, 12, 11)
    found = told.expect("battery_low", "device:door-c-1", at="10:01", severity="low")
    assert [fact.detail for fact in found.evidence] == ["14 %", "13 %"]
    told.expect_nothing()


@pytest.mark.parametrize("percents", [(14,), (14, 15), (14, 80, 14, 80), (80, 15, 15, 15)])
def test_it_says_nothing(percents: tuple[float, ...]) -> None:
    said(story(), *percents).expect_nothing()


def test_it_clears_only_well_above() -> None:
    told = said(story(), 14, 14, 20, 25)
    told.expect("battery_low", "device:door-c-1", "raised")
    told.expect_nothing().at("11:00").status("door-c-1", battery=25.5)
    told.expect("battery_low", "device:door-c-1", "cleared", reason="charged", at="11:00")


def test_two_readings_of_one_message_are_one_report() -> None:
    told = story().at("10:00").status("door-c-1", battery=9).door("door-c-1", battery=9)
    told.expect_nothing().at("10:05").status("door-c-1", battery=9)
    told.expect("battery_low", "device:door-c-1", at="10:05")


def test_any_kind_of_reading_counts() -> None:
    told = story().at("10:00").press("btn-c-1", battery=5).at("10:01").press("btn-c-1", battery=5)
    told.expect("battery_low", "device:btn-c-1")


def test_old_reports_that_come_late_change_nothing() -> None:
    told = story().at("10:00").status("door-c-1", battery=90)
    told.at("10:01").status("door-c-1", battery=90)
    for minute in range(3):
        told.at(f"11:0{minute}").status("door-c-1", battery=3, observed=f"08:0{minute}")
    told.expect_nothing()


@pytest.mark.parametrize("order", list(permutations([("09:00", 50), ("09:10", 12), ("09:20", 9)])))
def test_any_order_ends_the_same(order: tuple[tuple[str, float], ...]) -> None:
    told = story()
    for n, (observed, percent) in enumerate(order):
        told.at(f"10:0{n}").status("door-c-1", battery=percent, observed=observed)
    told.expect("battery_low", "device:door-c-1", "raised")
    told.expect_nothing()


def test_the_same_message_twice_is_one() -> None:
    told = story().at("10:00").status("door-c-1", battery=5).status("door-c-1", battery=5)
    told.expect_nothing()


def test_a_restart_remembers_the_first_message_and_the_alert() -> None:
    told = said(story(), 14).restart().at("10:05").status("door-c-1", battery=14)
    told.expect("battery_low", "device:door-c-1")
    told.restart().at("10:06").status("door-c-1", battery=14).expect_nothing()


def test_the_level_may_differ_by_area_agency_or_device() -> None:
    scope = RuleScope(subject="device:btn-c-1", rules={"battery_low": {"percent": 40}})
    told = Story(client("c-1"), button("c-1"), door("c-1"), scope, only=("battery_low",))
    for minute in (0, 1):
        told.at(f"10:0{minute}").press("btn-c-1", battery=30).status("door-c-1", battery=30)
    told.expect("battery_low", "device:btn-c-1")
    told.expect_nothing()


def test_the_level_may_be_set_high_though_most_reports_are_routine() -> None:
    told = story(rules={"battery_low": {"percent": 80}})
    for minute in range(0, 50, 10):  # well: from now on hardly looked at
        told.at(f"10:{minute:02}").status("door-c-1", battery=95)
    told.at("10:55").status("door-c-1", battery=79).at("10:56").status("door-c-1", battery=78)
    told.expect("battery_low", "device:door-c-1", "raised", at="10:56")
    told.at("10:57").status("door-c-1", battery=90).expect_nothing()
    told.at("10:58").status("door-c-1", battery=91)
    told.expect("battery_low", "device:door-c-1", "cleared", at="10:58")


def test_a_device_in_maintenance_raises_when_it_is_back() -> None:
    told = Story(client("c-1"), door("c-1", maintenance=True), only=("battery_low",))
    said(told, 5, 5).expect_nothing()
    told.change(door("c-1")).expect("battery_low", "device:door-c-1")


def test_a_device_that_is_taken_away_clears() -> None:
    told = said(story(), 5, 5)
    told.expect("battery_low", "device:door-c-1", "raised")
    told.change(gone={"devices": ("door-c-1",)})
    told.expect("battery_low", "device:door-c-1", "cleared", reason="device_removed")


def test_a_device_that_only_says_low_is_believed_and_so_is_its_taking_back() -> None:
    told = story().at("10:00").status("door-c-1", battery_low=True)
    told.expect_nothing().at("11:00").status("door-c-1", battery_low=True)
    found = told.expect("battery_low", "device:door-c-1", "raised", at="11:00")
    assert [fact.detail for fact in found.evidence] == ["low", "low"]
    told.at("12:00").status("door-c-1", battery_low=False)
    told.expect("battery_low", "device:door-c-1", "cleared", reason="charged", at="12:00")


def test_the_word_low_goes_before_a_percentage_of_the_same_message() -> None:
    told = story()
    for hour in range(10, 14):
        told.at(f"{hour}:00").status("door-c-1", battery=100, fault="battery_low")
        told.door("door-c-1", battery=100)
    told.expect("battery_low", "device:door-c-1", "raised", at="11:00")
    told.expect_nothing()
