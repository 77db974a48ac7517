"""A press is a life: told at once, whatever its age; only tests and repeats stay silent."""

from story import Story, button, client


def story() -> Story:
    return Story(client("c-1"), button("c-1"), only=("sos_pressed",))


def test_a_press_raises_at_once() -> None:
    told = story().at("10:00").press("btn-c-1")
    found = told.expect("sos_pressed", "client:c-1", at="10:00", severity="life", reason="pressed")
    assert [(fact.what, fact.device) for fact in found.evidence] == [("sos", "btn-c-1")]
    assert found.settings == {"join_minutes": 10.0}


def test_a_second_press_joins_and_one_after_the_window_raises_again() -> None:
    told = story().at("10:00").press("btn-c-1").at("10:10").press("btn-c-1", "long")
    told.expect("sos_pressed", "client:c-1", "raised", at="10:00")
    told.expect("sos_pressed", "client:c-1", "joined", at="10:10")
    told.at("10:10:01").press("btn-c-1").expect("sos_pressed", "client:c-1", "raised")


def test_a_test_press_is_recorded_and_wakes_nobody() -> None:
    told = story().at("10:00").press("btn-c-1", "test").press("btn-c-1", "cancel")
    told.expect_nothing()


def test_a_buffered_press_of_this_morning_is_an_emergency_of_its_own() -> None:
    told = story().at("15:00").press("btn-c-1").press("btn-c-1", observed="09:00")
    told.expect("sos_pressed", "client:c-1", "raised", reason="pressed")
    late = told.expect("sos_pressed", "client:c-1", "raised")
    assert "360 min before it was heard" in late.detail


def test_the_same_message_twice_is_one_press() -> None:
    told = story().at("10:00").press("btn-c-1", id="p-1").press("btn-c-1", id="p-1")
    told.expect("sos_pressed", "client:c-1", "raised")
    told.expect_nothing()


def test_a_restart_forgets_no_press() -> None:
    told = story().at("10:00").press("btn-c-1").restart().at("10:05").press("btn-c-1")
    told.expect("sos_pressed", "client:c-1", "raised")
    told.expect("sos_pressed", "client:c-1", "joined")


def test_a_button_nobody_holds_speaks_for_itself() -> None:
    told = story().at("10:00").press("btn-lost")
    told.expect("sos_pressed", "device:btn-lost", "raised")
