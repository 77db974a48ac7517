"""Who has not surely been seen for too many days is told, by care level."""

import pytest
from story import HOME, Story, caregiver, client, door, moment, phone, visit

from alerts.types import RuleScope
from devices.directory import Away, Device, Facility

RULE, WHO = "contact_overdue", "client:c-1"
WEEKLY = visit("v-1", "09:00", "11:00", rrule="FREQ=WEEKLY")


def story(*more: object, level: str = "full", **kw: object) -> Story:
    town = (
        client("c-1", care_level=level),
        caregiver("g-1"),
        phone("g-1"),
        door("c-1"),
        *more,
    )
    return Story(*town, only=(RULE, "visit", "calendar"), **kw)  # type: ignore[arg-type]


def kept(told: Story, day: str = "") -> Story:
    """The caregiver is in the home from nine to ten, and then elsewhere."""
    told.stays("g-1", HOME, f"{day}09:00", f"{day}10:00")
    return told.stays("g-1", HOME.north(900), f"{day}10:02", f"{day}10:30")


@pytest.mark.parametrize(("level", "days"), [("full", 7), ("partial", 14), ("independent", 31)])
def test_never_seen_is_told_by_care_level(level: str, days: int) -> None:
    told = story(level=level).at(f"+{days - 1} 23:59").expect_nothing().at(f"+{days} 00:00")
    found = told.expect(RULE, WHO, at=f"+{days} 00:00", severity="medium", reason="never_seen")
    assert found.evidence[0].what == "no_contact"


def test_a_visit_that_was_kept_counts_from_its_end() -> None:
    told = kept(story(WEEKLY)).at("+7 09:30").expect_nothing().at("+7 10:01")
    found = told.expect(RULE, WHO, "raised", at="+7 10:00", reason="overdue")
    assert found.evidence[0].at == moment("10:00")


def test_the_next_visit_clears() -> None:
    told = kept(kept(story(WEEKLY), "+2 ").at("+7 00:00"), "+7 ").at("+7 12:00")
    told.expect(RULE, WHO, "raised", at="+7 00:00")
    told.expect(RULE, WHO, "cleared", reason="contact")
    told.expect_nothing()


def test_a_visit_that_comes_to_light_late_takes_it_back() -> None:
    told = story(visit("v-1", "+5 09:00", "+5 11:00")).at("+7 08:00")
    told.expect(RULE, WHO, "raised", at="+7 00:00")
    told.stayed("g-1", HOME, "+5 09:00", "+5 10:00")
    told.stayed("g-1", HOME.north(900), "+5 10:02", "+5 10:30")
    told.expect(RULE, WHO, "cleared", reason="late_evidence")
    told.at("+12 09:59").expect_nothing().at("+12 10:00").expect(RULE, WHO, at="+12 10:00")


def test_a_check_in_alone_is_no_contact() -> None:
    told = story().at("+2 09:00").mark("g-1", "check_in").at("+7 00:00")
    told.expect(RULE, WHO, "raised", reason="never_seen")


@pytest.mark.parametrize("door_first", [True, False])
def test_an_unplanned_check_in_with_an_opening_door_is(door_first: bool) -> None:
    told = story().at("+2 09:00")
    if door_first:
        told.door("door-c-1").at("+2 09:10").mark("g-1", "check_in")
    else:
        told.mark("g-1", "check_in").at("+2 09:10").door("door-c-1")
    told.at("+8 23:00").expect_nothing().at("+9 09:10").expect(RULE, WHO, "raised")


def test_a_face_at_the_day_centre_is_a_contact() -> None:
    centre = (Facility(id="f-1"), Device(id="term", kind="terminal", holder="facility:f-1"))
    told = story(*centre).at("+5 10:00").face("term", "c-1", alive=True).at("+12 09:59")
    told.expect_nothing().at("+12 10:00").expect(RULE, WHO, at="+12 10:00")


def test_days_in_hospital_do_not_count() -> None:
    stay = Away(from_=moment("+3 00:00"), until=moment("+20 00:00"), reason="hospital")
    told = story(client("c-1", care_level="full", away=(stay,))).at("+26 23:59").expect_nothing()
    told.at("+27 00:00").expect(RULE, WHO, at="+27 00:00")


def test_going_away_and_a_lighter_level_take_it_back() -> None:
    told = story().at("+8 00:00")
    told.expect(RULE, WHO, "raised")
    told.change(client("c-1", care_level="partial"))
    told.expect(RULE, WHO, "cleared", reason="settings")
    told.at("+14 00:00").expect(RULE, WHO, "raised", at="+14 00:00")
    stay = Away(from_=moment("+14 00:00"), until=moment("+20 00:00"))
    told.change(client("c-1", care_level="partial", away=(stay,)))
    told.expect(RULE, WHO, "cleared", reason="away")


def test_who_leaves_is_not_overdue_and_who_comes_counts_from_then() -> None:
    told = story().at("+8 00:00")
    told.expect(RULE, WHO, "raised")
    told.change(client("c-2", care_level="full"), gone={"clients": ("c-1",)})
    told.expect(RULE, WHO, "cleared", reason="client_removed")
    told.at("+14 23:59").expect_nothing().at("+15 00:00").expect(RULE, "client:c-2")


def test_a_restart_keeps_the_days() -> None:
    told = kept(story(WEEKLY)).restart().at("+3 00:00").restart().at("+7 10:00")
    told.expect(RULE, WHO, "raised", at="+7 10:00")
    told.restart().at("+8 00:00").expect_nothing()


def test_days_may_differ_by_place() -> None:
    scope = RuleScope(agency="a-1", rules={RULE: {"days": {"full": 3}}})
    told = story(client("c-1", care_level="full", agency="a-1"), scope)
    told.at("+3 00:00").expect(RULE, WHO, at="+3 00:00")


def test_the_same_message_twice_is_one() -> None:
    told = story().at("+2 09:00").mark("g-1", "check_in", id="a").mark("g-1", "check_in", id="a")
    told.at("+7 00:00").expect(RULE, WHO)
    told.expect_nothing()
