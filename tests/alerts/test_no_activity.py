"""A day without an opened door is told, if the sensors live and the client is at home."""

from itertools import permutations

import pytest
from story import Story, client, door, moment

from alerts.types import RuleScope
from devices.directory import Away

RULE, WHO = "no_activity", "client:c-1"


def story(*more: object, **kw: object) -> Story:
    town = more or (client("c-1"), door("c-1"), door("c-1", "2"))
    return Story(*town, only=("device_silent", RULE), **kw)  # type: ignore[arg-type]


def opened(told: Story, device: str = "door-c-1", **more: object) -> Story:
    return told.door(device, **more).door(device, open=False, **more)  # type: ignore[arg-type]


def reports(told: Story, start: str, end: str, device: str = "door-c-1") -> Story:
    """The sensor says every hour that it lives."""
    for each in told.every(60, start, end):
        each.status(device, online=True)
    return told


def away(start: str, end: str) -> object:
    return client("c-1", away=(Away(from_=moment(start), until=moment(end), reason="hospital"),))


def test_a_day_without_an_opening_raises() -> None:
    told = reports(opened(story().at("08:00")), "09:00", "+1 07:00").at("+1 07:59:59")
    found = told.expect_nothing().at("+1 08:00").expect(RULE, WHO, at="+1 08:00", severity="high")
    assert (found.reason, found.evidence[0].what) == ("no_opening", "last_opening")
    told.at("+1 20:00").expect_nothing(RULE)


def test_any_door_of_the_home_counts() -> None:
    told = opened(story().at("08:00"))
    opened(told.at("20:00"), "door2-c-1").at("+1 19:59").expect_nothing(RULE)
    told.at("+1 20:00").expect(RULE, WHO, at="+1 20:00")


def test_an_opening_clears() -> None:
    told = opened(story().at("08:00")).at("+1 09:00")
    told.expect(RULE, WHO, "raised", at="+1 08:00")
    opened(told.at("+1 09:30"))
    told.expect(RULE, WHO, "cleared", at="+1 09:30", reason="activity")
    told.at("+2 09:30").expect(RULE, WHO, "raised", at="+2 09:30")


def test_an_opening_that_comes_late_takes_it_back() -> None:
    told = opened(story().at("08:00")).at("+1 12:00")
    told.expect(RULE, WHO, "raised", at="+1 08:00")
    told.door("door-c-1", observed="18:00")
    told.expect(RULE, WHO, "cleared", at="+1 12:00", reason="late_evidence")
    told.at("+1 18:00").expect(RULE, WHO, "raised", at="+1 18:00")


def test_a_late_opening_that_is_too_old_changes_nothing() -> None:
    told = opened(story().at("08:00")).at("+1 12:00")
    told.expect(RULE, WHO, "raised")
    told.door("door-c-1", observed="09:00").expect_nothing(RULE)


def test_a_sensor_that_has_fallen_quiet_says_nothing_of_the_person() -> None:
    told = opened(reports(story(), "02:00", "08:00")).at("+1 09:00").expect_nothing(RULE)
    told.at("+1 09:05").expect("device_silent", "device:door-c-1", at="+1 09:05")
    told.at("+2 12:00").expect_nothing()


def test_the_time_in_which_the_sensor_was_lost_does_not_count() -> None:
    told = opened(reports(story(), "02:00", "08:00"))  # then it is silent for 26 hours
    reports(told, "+1 10:00", "+2 09:00").expect_nothing(RULE)
    told.at("+2 09:59").expect_nothing(RULE)
    told.at("+2 10:00").expect(RULE, WHO, at="+2 10:00")  # 24 hours that somebody watched


def test_a_short_silence_of_the_sensor_counts_no_more_than_its_hours() -> None:
    told = reports(opened(reports(story(), "02:00", "08:00")), "09:00", "12:00")
    reports(told, "17:00", "+1 14:00").expect(RULE, WHO, at="+1 13:00")


def test_what_one_of_two_sensors_watched_counts() -> None:
    told = opened(reports(story(), "02:00", "08:00"))
    for each in told.every(60, "02:00", "+1 08:00"):
        each.status("door2-c-1", online=True)
    told.at("+1 08:00").expect(RULE, WHO, at="+1 08:00")


@pytest.mark.parametrize(("last_word", "is_alive"), [("+1 00:00", True), ("18:00", False)])
def test_alive_is_within_twice_its_own_beat(last_word: str, is_alive: bool) -> None:
    """It says every six hours that it lives; the last opening was at seven."""
    told = story()
    for each in told.every(360, "00:00", last_word):
        each.status("door-c-1", online=True)
        if each.now == moment("06:00"):
            opened(each.at("07:00"))
    told.at("+1 07:30")
    assert bool([found for found in told.told if found.rule == RULE]) is is_alive


def test_an_open_alert_whose_sensor_turns_out_lost_is_revised_once_and_stays() -> None:
    told = opened(story(rules={RULE: {"hours": 10}}).at("08:00"))
    told.at("18:00").expect(RULE, WHO, "raised", at="18:00")
    told.at("20:00").status("door-c-1", online=False)
    told.expect(RULE, WHO, "revised", at="20:00", reason="sensor_lost")
    told.at("+1 20:00").expect_nothing(RULE)
    opened(told.at("+1 21:00").status("door-c-1", online=True))
    told.expect(RULE, WHO, "cleared", at="+1 21:00", reason="activity")
    told.expect_nothing(RULE)


def test_the_quiet_sensor_that_is_back_with_openings_does_not() -> None:
    told = opened(reports(story(), "02:00", "08:00")).at("+1 10:00")
    told.status("door-c-1").at("+1 10:00:20").door("door-c-1", observed="19:00")
    told.at("+1 18:59").expect_nothing(RULE)


def test_a_closed_door_that_repeats_itself_is_alive() -> None:
    told = opened(story().at("08:00"))
    for each in told.every(240, "12:00", "+1 08:00"):
        each.door("door-c-1", open=False)
    told.at("+1 08:00").expect(RULE, WHO, at="+1 08:00")


def test_one_lost_message_does_not_make_a_sensor_quiet() -> None:
    told = opened(story().at("06:00")).door("door-c-1", open=False)
    told.at("07:00").door("door-c-1", open=False)  # its opening was lost on the air
    opened(told.at("08:00")).at("+1 08:00").expect(RULE, WHO, at="+1 08:00")


def test_one_living_sensor_is_enough_and_the_dead_one_is_named() -> None:
    told = opened(reports(story(), "02:00", "08:00"))
    reports(told, "09:00", "+1 07:00", "door2-c-1").at("+1 08:00")
    found = told.expect(RULE, WHO, "raised")
    assert [(f.what, f.device) for f in found.evidence[1:]] == [("sensor_quiet", "door-c-1")]


def test_a_sensor_said_to_be_offline_is_not_alive() -> None:
    told = opened(story().at("08:00")).at("09:00").status("door-c-1", online=False)
    told.at("+1 08:30").expect_nothing(RULE)


def test_never_opened_counts_from_the_first_word() -> None:
    told = reports(story(), "10:00", "+1 09:00").at("+1 10:00")
    found = told.expect(RULE, WHO, at="+1 10:00")
    assert found.evidence[0].what == "no_opening"


def test_never_heard_raises_nothing() -> None:
    story().at("+5 00:00").expect_nothing()


def test_away_does_not_count_and_the_return_begins_anew() -> None:
    told = story(away("12:00", "+1 15:00"), door("c-1"))
    opened(told.at("08:00"))
    reports(told, "09:00", "+2 14:00").at("+2 14:59").expect_nothing(RULE)
    told.at("+2 15:00").expect(RULE, WHO, at="+2 15:00")


def test_learning_that_the_client_is_away_takes_it_back() -> None:
    told = reports(opened(story().at("08:00")), "09:00", "+1 08:00").at("+1 09:00")
    told.expect(RULE, WHO, "raised")
    told.change(away("+1 08:30", "+3 00:00"))  # type: ignore[arg-type]
    told.expect(RULE, WHO, "cleared", reason="away")
    reports(told, "+1 10:00", "+3 23:00").at("+3 23:59").expect_nothing(RULE)


def test_who_leaves_the_register_is_not_inactive() -> None:
    told = opened(story().at("08:00")).at("+1 09:00")
    told.expect(RULE, WHO, "raised")
    told.change(gone={"clients": ("c-1",)})
    told.expect(RULE, WHO, "cleared", reason="client_removed")


def test_a_state_that_the_broker_kept_is_no_opening() -> None:
    told = reports(opened(story().at("08:00")), "09:00", "+1 07:00")
    told.at("20:00").door("door-c-1", observed_at=None, replayed=True)
    told.at("+1 08:00").expect(RULE, WHO, at="+1 08:00")


def test_a_restart_keeps_the_hours() -> None:
    told = opened(story().at("08:00")).at("20:00").restart().at("+1 08:00")
    told.expect(RULE, WHO, at="+1 08:00")
    opened(told.restart().at("+1 08:30"))
    told.expect(RULE, WHO, "cleared", reason="activity")


def test_fewer_hours_for_who_needs_more_care() -> None:
    scope = RuleScope(care_level="full", rules={RULE: {"hours": 12}})
    told = story(client("c-1", care_level="full"), client("c-2"), door("c-1"), door("c-2"), scope)
    opened(opened(told.at("08:00")), "door-c-2").at("21:00")
    told.expect(RULE, WHO, at="20:00")
    told.expect_nothing().at("+1 08:00").expect(RULE, "client:c-2", at="+1 08:00")


@pytest.mark.parametrize("order", list(permutations(("06:00", "13:00", "19:00"))))
def test_any_order_of_late_openings_ends_the_same(order: tuple[str, ...]) -> None:
    told = story().at("22:00")
    for observed in order:
        opened(told, observed=observed)
    told.at("+1 18:59").expect_nothing(RULE)
    told.at("+1 19:00").expect(RULE, WHO, at="+1 19:00")


def test_the_same_message_twice_is_one() -> None:
    told = story().at("08:00").door("door-c-1", id="a").door("door-c-1", id="a").at("+1 08:00")
    told.expect(RULE, WHO)
    told.expect_nothing(RULE)
