"""A door left open is told after an hour; a late closing takes it back."""

from story import Story, client, door

from alerts.types import RuleScope


def story(*more: object, **kw: object) -> Story:
    return Story(client("c-1"), door("c-1"), *more, only=("door_left_open",), **kw)  # type: ignore[arg-type]


def test_open_for_an_hour_raises() -> None:
    told = story().at("10:00").door("door-c-1").at("10:59:59")
    told.expect_nothing()
    found = told.at("11:00").expect("door_left_open", "client:c-1", at="11:00", severity="medium")
    assert (found.reason, found.key) == ("open", "door-c-1")
    assert [(fact.what, fact.device) for fact in found.evidence] == [("door_open", "door-c-1")]


def test_closed_in_time_raises_nothing() -> None:
    told = story().at("10:00").door("door-c-1").at("10:59").door("door-c-1", open=False)
    told.at("23:00").expect_nothing()


def test_closing_clears_and_the_next_opening_counts_anew() -> None:
    told = story().at("10:00").door("door-c-1").at("11:30").door("door-c-1", open=False)
    told.expect("door_left_open", "client:c-1", "raised", at="11:00")
    told.expect("door_left_open", "client:c-1", "cleared", at="11:30", reason="closed")
    told.at("12:00").door("door-c-1").at("13:00")
    told.expect("door_left_open", "client:c-1", "raised", at="13:00")


def test_an_open_door_that_repeats_itself_is_one_opening() -> None:
    told = story().at("10:00").door("door-c-1").at("10:40").door("door-c-1").at("12:00")
    told.expect("door_left_open", "client:c-1", "raised", at="11:00")
    told.door("door-c-1").at("14:00").expect_nothing()


def test_a_closing_that_comes_late_takes_it_back() -> None:
    told = story().at("10:00").door("door-c-1").at("15:00")
    told.expect("door_left_open", "client:c-1", "raised", at="11:00")
    told.door("door-c-1", open=False, observed="10:05")
    told.expect("door_left_open", "client:c-1", "cleared", at="15:00", reason="late_evidence")
    told.at("20:00").expect_nothing()


def test_a_late_closing_between_two_openings_moves_the_hour() -> None:
    told = story().at("10:00").door("door-c-1").at("10:40").door("door-c-1")
    told.at("10:50").door("door-c-1", open=False, observed="10:20").at("11:39").expect_nothing()
    told.at("11:40").expect("door_left_open", "client:c-1", at="11:40")


def test_closing_before_opening_in_a_backlog_says_nothing() -> None:
    told = story().at("15:00")
    told.door("door-c-1", open=False, observed="10:05").door("door-c-1", observed="10:00")
    told.at("20:00").expect_nothing()


def test_a_backlog_read_forwards_does_not_flicker() -> None:
    told = story().at("15:00").door("door-c-1", observed="10:00")
    told.at("15:00:20").door("door-c-1", open=False, observed="10:05")
    told.at("20:00").expect_nothing()


def test_a_late_opening_without_a_closing_raises_when_nothing_followed() -> None:
    told = story().at("15:00").door("door-c-1", observed="10:00").at("15:02")
    told.expect("door_left_open", "client:c-1", at="15:02")


def test_a_restart_keeps_the_hour() -> None:
    told = story().at("10:00").door("door-c-1").at("10:30").restart().at("11:00")
    told.expect("door_left_open", "client:c-1", at="11:00")
    told.restart().at("12:00").expect_nothing()


def test_the_hour_is_shorter_for_some() -> None:
    scope = RuleScope(care_level="full", rules={"door_left_open": {"minutes": 10}})
    told = Story(
        client("c-1", care_level="full"),
        client("c-2"),
        door("c-1"),
        door("c-2"),
        scope,
        only=("door_left_open",),
    )
    told.at("10:00").door("door-c-1").door("door-c-2").at("10:30")
    told.expect("door_left_open", "client:c-1", at="10:10")
    told.expect_nothing().at("11:00").expect("door_left_open", "client:c-2", at="11:00")


def test_new_settings_move_what_is_waited_for() -> None:
    told = story().at("10:00").door("door-c-1").at("10:30")
    told.change(rules={"door_left_open": {"minutes": 40}}).at("10:40")
    told.expect("door_left_open", "client:c-1", at="10:40")
    told.change(rules={"door_left_open": {"minutes": 90}})
    told.expect("door_left_open", "client:c-1", "cleared", at="10:40")
    told.at("11:30").expect("door_left_open", "client:c-1", at="11:30")


def test_a_door_that_is_taken_away_clears() -> None:
    told = story().at("10:00").door("door-c-1").at("11:00")
    told.expect("door_left_open", "client:c-1")
    told.change(gone={"devices": ("door-c-1",)})
    told.expect("door_left_open", "client:c-1", "cleared", reason="device_removed")


def test_two_doors_of_one_home_are_two_alerts() -> None:
    told = story(door("c-1", "2")).at("10:00").door("door-c-1").door("door2-c-1").at("11:00")
    found = [told.expect("door_left_open", "client:c-1").key for _ in range(2)]
    assert found == ["door-c-1", "door2-c-1"]
