"""A living face that nobody knows is told, without a word for every second it lingers."""

import pytest
from story import HOME, Story

from devices.directory import Circle, Device, Facility, Resident

TOWN = (
    Facility(id="f-1", home=Circle(lat=HOME.lat, lon=HOME.lon)),
    Resident(id="r-1", facility="f-1", face="P-001"),
    Device(id="term-f1", kind="terminal", holder="facility:f-1"),
    Facility(id="f-2"),
    Device(id="term-f2", kind="terminal", holder="facility:f-2"),
)


def story() -> Story:
    return Story(*TOWN, only=("face_unknown",))


def test_a_stranger_raises() -> None:
    told = story().at("10:00").face("term-f1", None, alive=True, score=0.2)
    found = told.expect("face_unknown", "facility:f-1", at="10:00", severity="low")
    assert (found.reason, found.evidence[0].device) == ("stranger", "term-f1")


@pytest.mark.parametrize("terminal", ["term-f1", "term-f2"])
@pytest.mark.parametrize("code", ["P-001", "r-1"])
def test_a_resident_is_known_at_every_terminal(terminal: str, code: str) -> None:
    story().at("10:00").face(terminal, code).expect_nothing()


@pytest.mark.parametrize("more", [{"alive": False}, {"method": "card"}, {"method": "finger"}])
def test_a_picture_or_a_card_is_no_face(more: dict[str, object]) -> None:
    story().at("10:00").face("term-f1", None, **more).expect_nothing()


def test_lingering_joins_once_a_minute_and_coming_back_raises_again() -> None:
    told = story()
    for minute in range(0, 3):
        for second in (0, 20, 40):
            told.at(f"10:0{minute}:{second:02}").face("term-f1", None)
    assert [found.event for found in told.told] == ["raised", "joined", "joined"]
    told.told.clear()
    told.at("10:12:40").face("term-f1", None).expect("face_unknown", "facility:f-1", "joined")
    told.at("10:22:41").face("term-f1", None).expect("face_unknown", "facility:f-1", "raised")


def test_an_unregistered_code_raises_and_clears_when_it_is_registered() -> None:
    told = story().at("10:00").face("term-f1", "P-777")
    found = told.expect("face_unknown", "facility:f-1", "raised")
    assert (found.reason, found.key) == ("unregistered", "P-777")
    told.change(Resident(id="r-7", facility="f-1", face="P-777")).at("11:00")
    told.face("term-f1", "P-777")
    told.expect("face_unknown", "facility:f-1", "cleared", reason="registered", key="P-777")
    told.face("term-f1", "P-777").expect_nothing()


def test_a_late_sighting_of_the_same_minutes_is_no_new_stranger() -> None:
    told = story().at("10:05").face("term-f1", None).face("term-f1", None, observed="10:00")
    told.expect("face_unknown", "facility:f-1", "raised")
    told.expect_nothing()


def test_the_same_message_twice_and_a_restart() -> None:
    told = story().at("10:00").face("term-f1", None, id="a").face("term-f1", None, id="a")
    told.restart().at("10:00:30").face("term-f1", None)
    told.expect("face_unknown", "facility:f-1", "raised")
    told.expect_nothing()


def test_a_longer_window() -> None:
    rules: dict[str, dict[str, object]] = {"face_unknown": {"join_minutes": 60}}
    told = Story(*TOWN, only=("face_unknown",), rules=rules)
    told.at("10:00").face("term-f1", None).at("10:50").face("term-f1", None)
    assert [found.event for found in told.told] == ["raised", "joined"]
