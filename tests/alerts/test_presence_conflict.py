"""Nobody is in two places at once."""

from itertools import permutations

import pytest
from story import HOME, Spot, Story, caregiver, phone

from alerts.types import RuleScope
from devices.directory import Circle, Device, Facility, Resident

RULE, WHO = "presence_conflict", "resident:r-1"


def facility(key: str, spot: Spot | None) -> tuple[object, ...]:
    home = Circle(lat=spot.lat, lon=spot.lon, radius=100) if spot else None
    return (
        Facility(id=key, home=home),
        Device(id=f"term-{key}", kind="terminal", holder=f"facility:{key}"),
    )


TOWN = (
    *facility("f-1", HOME),
    *facility("f-2", HOME.north(20_000)),
    *facility("f-3", HOME.north(150)),
    *facility("f-4", None),
    Resident(id="r-1", facility="f-1", face="P-1"),
    Device(id="band-r-1", kind="phone", holder="resident:r-1"),
    caregiver("g-1"),
    phone("g-1"),
)


def story(*more: object) -> Story:
    return Story(*TOWN, *more, only=(RULE,))  # type: ignore[arg-type]


def test_two_terminals_sooner_than_a_car_can_drive() -> None:
    told = story().at("10:00").face("term-f-1", "P-1").at("10:05").face("term-f-2", "P-1")
    found = told.expect(RULE, WHO, at="10:05", severity="medium", reason="two_terminals")
    assert [fact.device for fact in found.evidence] == ["term-f-1", "term-f-2"]
    assert "5 min later" in found.detail
    assert "20.0 km" in found.detail


@pytest.mark.parametrize("terminal", ["term-f-1", "term-f-3", "term-f-4"])
def test_the_same_place_next_door_or_nowhere_is_no_conflict(terminal: str) -> None:
    told = story().at("10:00").face("term-f-1", "P-1").at("10:00:01").face(terminal, "P-1")
    told.expect_nothing()


def test_there_was_time_to_drive() -> None:
    told = story().at("10:00").face("term-f-1", "P-1").at("10:08").face("term-f-2", "P-1")
    told.expect_nothing()


@pytest.mark.parametrize("method", ["face", "card", "finger"])
def test_a_lent_card_is_found_too(method: str) -> None:
    told = story().at("10:00").face("term-f-1", "P-1")
    told.at("10:02").face("term-f-2", "P-1", method=method).expect(RULE, WHO)


def test_a_photo_elsewhere_is_no_second_place() -> None:
    told = story().at("10:00").face("term-f-1", "P-1", alive=True)
    told.at("10:02").face("term-f-2", "P-1", alive=False).expect_nothing()
    told.at("10:03").face("term-f-2", "P-1", alive=True).expect(RULE, WHO, reason="two_terminals")


def test_a_phone_that_is_not_with_its_owner() -> None:
    told = story().at("10:00").position("band-r-1", HOME.north(9_000))
    told.at("10:01").face("term-f-1", "P-1").expect(RULE, WHO, reason="phone_elsewhere")


def test_a_caregiver_counts_once_seen_by_a_terminal() -> None:
    told = story().at("10:00").face("term-f-1", "g-1").at("10:01")
    told.position("g-1", HOME.north(9_000)).expect(RULE, "caregiver:g-1", "raised")


@pytest.mark.parametrize("more", [{"accuracy": 900}, {"mock": True}, {"clock": "quarantined"}])
def test_a_phone_that_says_nothing_sure(more: dict[str, object]) -> None:
    told = story().at("10:00").face("term-f-1", "P-1").at("10:01")
    told.position("band-r-1", HOME.north(9_000), **more).expect_nothing()  # type: ignore[arg-type]


def test_sightings_without_a_time_say_nothing() -> None:
    told = story().at("10:00").face("term-f-1", "P-1", observed_at=None)
    told.at("10:01").face("term-f-2", "P-1").expect_nothing()


def test_a_further_conflict_joins_and_one_next_week_is_another() -> None:
    told = story().at("10:00").face("term-f-1", "P-1").at("10:05").face("term-f-2", "P-1")
    told.at("10:10").face("term-f-1", "P-1")
    assert [found.event for found in told.told] == ["raised", "joined"]
    told.told.clear()
    told.at("+7 10:00").face("term-f-1", "P-1").at("+7 10:01").face("term-f-2", "P-1")
    told.expect(RULE, WHO, "raised", at="+7 10:01")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_late_sightings_in_any_order(order: tuple[int, ...]) -> None:
    seen = [("term-f-1", "09:00"), ("term-f-2", "09:04"), ("term-f-2", "09:30")]
    told = story().at("15:00")
    for n in order:
        told.face(seen[n][0], "P-1", observed=seen[n][1])
    told.expect(RULE, WHO, "raised")
    told.expect_nothing()


def test_the_same_message_twice_and_a_restart() -> None:
    told = story().at("10:00").face("term-f-1", "P-1", id="a").face("term-f-1", "P-1", id="a")
    told.restart().at("10:05").face("term-f-2", "P-1").expect(RULE, WHO, "raised")
    told.restart().at("10:06").face("term-f-1", "P-1").expect(RULE, WHO, "joined")


def test_a_slower_country() -> None:
    scope = RuleScope(subject=WHO, rules={RULE: {"km_per_hour": 40}})
    told = story(scope).at("10:00").face("term-f-1", "P-1").at("10:20").face("term-f-2", "P-1")
    told.expect(RULE, WHO, "raised")
