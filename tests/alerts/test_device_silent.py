"""A device that is no longer heard is told, each kind in its time, and phones only on duty."""

import pytest
from story import HOME, Story, button, caregiver, client, door, phone, visit

from alerts.types import RuleScope
from devices.directory import Device, Facility

RULE = "device_silent"
TERMINAL = Device(id="term-f1", kind="terminal", holder="facility:f-1")
TOWN = (
    client("c-1", area="wangji"),
    door("c-1"),
    button("c-1"),
    caregiver("g-1"),
    phone("g-1"),
    visit("v-1", "09:00", "11:00"),
    visit("v-2", "14:00", "16:00"),
    Facility(id="f-1"),
    TERMINAL,
)


def story(*more: object, **kw: object) -> Story:
    return Story(*TOWN, *more, only=(RULE, "calendar"), **kw)  # type: ignore[arg-type]


def test_a_terminal_is_silent_after_five_minutes_and_five_more() -> None:
    told = story().at("10:00").status("term-f1", online=True).at("10:09:59").expect_nothing()
    found = told.at("10:10").expect(RULE, "device:term-f1", at="10:10", severity="low")
    assert (found.reason, found.evidence[0].what) == ("silent", "last_heard")
    told.at("23:00").expect_nothing()


def test_what_is_heard_in_time_is_not_silent() -> None:
    told = story()
    for s in told.every(4, "10:00", "12:00"):
        s.status("term-f1", online=True)
    told.expect_nothing()


def test_being_heard_clears() -> None:
    told = story().at("10:00").status("term-f1").at("10:30").face("term-f1", "P-1")
    told.expect(RULE, "device:term-f1", "raised", at="10:10")
    told.expect(RULE, "device:term-f1", "cleared", at="10:30", reason="heard")
    told.at("10:40").expect(RULE, "device:term-f1", "raised", at="10:40")


def test_back_within_the_hold_is_not_told() -> None:
    told = story().at("10:00").status("term-f1").at("10:08").status("term-f1").at("10:12")
    told.expect_nothing()


def test_doors_and_buttons_have_25_hours_and_a_button_matters_more() -> None:
    told = story().at("10:00").status("door-c-1").status("btn-c-1").at("+1 11:04:59")
    told.expect_nothing().at("+1 11:05")
    told.expect(RULE, "device:door-c-1", severity="low")
    told.expect(RULE, "device:btn-c-1", severity="medium")


def test_a_contact_that_has_never_sent_a_heartbeat_is_not_silent_for_want_of_events() -> None:
    told = story().at("10:00").door("door-c-1").at("10:01").door("door-c-1", open=False)
    told.press("btn-c-1", "test").at("+4 10:00").door("door-c-1").expect_nothing()
    told.at("+4 10:30").door("door-c-1")  # its state once more: it beats, and is waited for
    told.at("+5 11:35").expect(RULE, "device:door-c-1", at="+5 11:35")


def test_a_phone_is_silent_only_on_duty() -> None:
    told = story().at("08:00").position("g-1", HOME).at("08:44:59").expect_nothing()
    told.at("08:45").expect(RULE, "device:phone-g-1", at="08:45")  # duty from 08:30
    told.at("09:30").position("g-1", HOME)
    told.expect(RULE, "device:phone-g-1", "cleared", reason="heard")
    told.stays("g-1", HOME, "09:35", "16:25", every=5).at("23:00").expect_nothing()


def test_the_end_of_the_duty_ends_the_silence() -> None:
    told = story().stays("g-1", HOME, "08:30", "16:00", every=5).at("16:15")
    told.expect(RULE, "device:phone-g-1", "raised", at="16:15")
    told.at("16:30").expect(RULE, "device:phone-g-1", "cleared", at="16:30", reason="off_duty")
    told.at("+1 12:00").expect_nothing()


def test_tomorrows_duty_counts_anew() -> None:
    daily = visit("v-3", "09:00", "10:00", rrule="FREQ=DAILY")
    town = (client("c-1"), caregiver("g-1"), phone("g-1"), daily)
    told = Story(*town, only=(RULE, "calendar")).stays("g-1", HOME, "08:30", "10:30", every=5)
    told.at("+1 08:44").expect_nothing()
    told.at("+1 08:45").expect(RULE, "device:phone-g-1", at="+1 08:45")


def test_a_visit_planned_later_in_the_day_stretches_the_duty() -> None:
    told = story().stays("g-1", HOME, "08:30", "16:00", every=5)
    told.change(visit("v-9", "17:00", "18:00")).at("16:20")
    told.expect(RULE, "device:phone-g-1", "raised", at="16:15")
    told.at("18:30").expect(RULE, "device:phone-g-1", "cleared", at="18:30", reason="off_duty")


def test_a_visit_taken_out_shortens_it() -> None:
    told = story().stays("g-1", HOME, "08:30", "11:40", every=5)
    told.change(gone={"visits": ("v-2",)}).at("23:00").expect_nothing()


def test_never_heard_is_not_silent() -> None:
    story().at("+3 12:00").expect_nothing()


def test_buffered_data_is_heard_now_but_a_kept_state_is_not() -> None:
    told = story().at("10:00").status("term-f1")
    told.at("10:05").face("term-f1", "P-1", observed="03:00", replayed=True)
    told.at("10:08").status("term-f1", observed="10:01", replayed=True)
    told.at("10:09").status("term-f1", observed_at=None, replayed=True)
    told.at("10:15").expect(RULE, "device:term-f1", at="10:15")


def test_offline_is_not_heard() -> None:
    told = story().at("10:00").status("term-f1").at("10:04").status("term-f1", online=False)
    told.at("10:10").expect(RULE, "device:term-f1", at="10:10")


@pytest.mark.parametrize("kind", ["sensor", None])
def test_kinds_without_minutes_are_not_watched(kind: str | None) -> None:
    told = story(Device(id="d-1", kind=kind, holder="client:c-1")).at("10:00").status("d-1")  # type: ignore[arg-type]
    told.at("+3 12:00").expect_nothing()


def test_maintenance_ends_and_suspends_it() -> None:
    told = story().at("10:00").status("term-f1").at("10:10")
    told.expect(RULE, "device:term-f1", "raised")
    told.change(Device(id="term-f1", kind="terminal", holder="facility:f-1", maintenance=True))
    told.expect(RULE, "device:term-f1", "cleared", reason="maintenance")
    told.at("15:00").expect_nothing().change(TERMINAL)
    told.expect(RULE, "device:term-f1", "raised", at="15:00")
    told.change(gone={"devices": ("term-f1",)})
    told.expect(RULE, "device:term-f1", "cleared", reason="device_removed")


def test_a_restart_forgets_no_timer() -> None:
    told = story().at("10:00").status("term-f1").at("10:06").restart().at("10:10")
    told.expect(RULE, "device:term-f1", "raised", at="10:10")
    told.restart().at("10:20").expect_nothing()
    told.status("term-f1").expect(RULE, "device:term-f1", "cleared")


def test_minutes_by_kind_and_by_place() -> None:
    scope = RuleScope(area="wangji", rules={RULE: {"minutes": {"door": 60}, "hold_minutes": 0}})
    told = story(scope).at("10:00").status("door-c-1").status("btn-c-1").status("term-f1")
    told.at("12:00").expect(RULE, "device:door-c-1", at="11:00")
    told.expect(RULE, "device:term-f1", at="10:10")
    told.expect_nothing()


def test_new_settings_move_what_is_waited_for_and_what_stands() -> None:
    told = story().at("10:00").status("term-f1").at("10:06")
    told.change(rules={RULE: {"minutes": {"terminal": 20}}}).at("10:24").expect_nothing()
    told.at("10:25").expect(RULE, "device:term-f1", at="10:25")
    told.change(rules={RULE: {"minutes": {"terminal": None}}})
    told.expect(RULE, "device:term-f1", "cleared", reason="settings")


def test_the_same_message_twice_is_heard_once() -> None:
    told = story().at("10:00").status("term-f1", id="a").status("term-f1", id="a").at("10:10")
    told.expect(RULE, "device:term-f1")
    told.expect_nothing()
