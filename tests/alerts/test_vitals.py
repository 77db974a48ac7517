"""Heartbeats are mostly only noted; what they may tell is never lost by it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from story import DAY, Story, button, client, door, moment

from alerts.rule import AnyRule
from alerts.rules import RULES
from alerts.town import heartbeats as vitals
from devices.readings import DeviceStatus, DoorMoved, Reading

DEVICES = ("door-c-1", "door2-c-1", "btn-c-1")


def story() -> Story:
    return Story(client("c-1"), door("c-1"), door("c-1", "2"), button("c-1"))


@st.composite
def lives(draw: st.DrawFn) -> list[Reading]:
    """Some days of three devices, mostly heartbeats, with silences, openings and flat batteries."""
    now, said = moment("08:00"), []
    gaps = st.sampled_from((1, 10, 10, 10, 25, 61, 300, 1600))
    for n in range(draw(st.integers(5, 60))):
        now += timedelta(minutes=draw(gaps))
        common: dict[str, Any] = {
            "device": draw(st.sampled_from(DEVICES)),
            "id": f"m-{n}",
            "observed_at": now,
            "received_at": now,
            "battery": draw(st.sampled_from((None, 80.0, 80.0, 80.0, 30.0, 5.0))),
        }
        if draw(st.integers(0, 6)) == 0 and "door" in common["device"]:
            said.append(DoorMoved(open=draw(st.booleans()), **common))
        else:
            online = draw(st.sampled_from((True, True, None, None, None, False)))
            said.append(DeviceStatus(online=online, **common))
    return said


def told(said: list[Reading], *, is_calm: bool, dies_at: int = -1) -> list[Any]:
    """What is found in the course of these days, with or without the short way."""
    with pytest.MonkeyPatch.context() as patch:
        if not is_calm:
            patch.setattr(vitals, "CALM", timedelta(0))
        now = story()
        for n, reading in enumerate(said):
            now.says(reading)
            if n == dies_at:
                now.now = reading.received_at
                now.restart()
        now.at("+40 00:00")
    return [(found.at, found.rule, found.subject, found.event, found.reason) for found in now.told]


@pytest.mark.slow
@settings(max_examples=100)
@given(lives(), st.integers(0, 60))
def test_noting_finds_what_asking_every_rule_finds(said: list[Reading], dies_at: int) -> None:
    expected = told(said, is_calm=False)
    assert told(said, is_calm=True) == expected
    assert told(said, is_calm=True, dies_at=dies_at) == expected


def test_of_a_calm_device_the_rules_hear_little(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for rule in RULES:
        if rule.vital:
            monkeypatch.setattr(type(rule), "on_reading", counting(type(rule), asked))
    now = story()
    for story_then in now.every(10, "08:00", "18:00"):
        story_then.status("door-c-1", battery=80)
    assert asked.count("device_silent") * 3 < 61


def counting(rule: type[AnyRule], asked: list[str]) -> Any:
    before = rule.on_reading

    def on_reading(self: Any, key: str, state: Any, reading: Any, town: Any) -> Any:
        asked.append(self.name)
        return before(self, key, state, reading, town)

    return on_reading


def test_the_last_word_of_a_device_survives_a_restart() -> None:
    now = story()
    for then in now.every(10, "08:00", "20:00"):
        then.status("btn-c-1", battery=80)
    assert now.world.town.vitals.heard("btn-c-1") == moment("20:00")
    now.restart()
    assert now.world.town.vitals.heard("btn-c-1") == moment("20:00")
    now.at("+1 21:04").expect_nothing()
    now.at("+1 21:05").expect("device_silent", "device:btn-c-1", at="+1 21:05")
    assert now.now.astimezone(DAY.tzinfo).day == 3


def test_a_device_whose_name_holds_a_colon_is_stirred_like_any_other() -> None:
    vitals_ = vitals.Vitals()
    directory = story().directory
    for name in ("a4:c1:38:0f", "door-c-1"):
        said = DeviceStatus(
            device=name, id="m", observed_at=moment("08:00"), received_at=moment("08:00")
        )
        vitals_.note(said, moment("08:00"))
        assert vitals_.note(said, moment("08:01")) is False
        vitals_.calm(said, moment("08:01"))
        assert vitals_.note(said, moment("08:02")) is True
        vitals_.stir(name, directory)
        assert vitals_.note(said, moment("08:03")) is False
    vitals_.calm(said, moment("08:03"))
    vitals_.stir("client:c-1", directory)
    assert vitals_.note(said, moment("08:04")) is False


def habit_of(*minutes: float) -> vitals.Vitals:
    """The signs of life of a door that says so many minutes after eight that it lives."""
    kept = vitals.Vitals()
    for n, each in enumerate(minutes):
        at = moment("08:00") + timedelta(minutes=each)
        said = DeviceStatus(device="door-c-1", id=f"m-{n}", observed_at=at, received_at=at)
        kept.note(said, at)
    return kept


@pytest.mark.parametrize(
    ("minutes", "beat"),
    [
        ((0,), None),
        ((0, 60), None),  # once is no habit
        ((0, 60, 120), 60),
        ((0, 60, 120, 400, 460, 520), 60),  # one silence changes nothing
        ((0, 0.1, 60, 60.1, 60.2, 120, 120.1), 60),  # said twice is said once
        ((0, 240, 300, 360, 420, 480, 540), 60),  # the latest count
    ],
)
def test_the_usual_beat_is_the_middle_of_the_latest(
    minutes: tuple[float, ...], beat: float | None
) -> None:
    kept = habit_of(*minutes)
    last = moment("08:00") + timedelta(minutes=minutes[-1])
    if beat is None:
        assert kept.is_alive("door-c-1", last + timedelta(days=9))
        return
    assert kept.is_alive("door-c-1", last + timedelta(minutes=2 * beat))
    assert not kept.is_alive("door-c-1", last + timedelta(minutes=2 * beat, seconds=1))


def test_what_belongs_to_an_opening_shows_no_habit() -> None:
    kept = vitals.Vitals()
    for n, minutes in enumerate((0, 30, 70, 95, 130)):
        at = moment("08:00") + timedelta(minutes=minutes)
        common: dict[str, Any] = {"device": "door-c-1", "received_at": at, "observed_at": at}
        kept.note(DoorMoved(id=f"d-{n}", open=n % 2 == 0, **common), at)
        kept.note(DeviceStatus(id=f"s-{n}", **common), at)
    assert not kept.beats("door-c-1")
    assert kept.is_alive("door-c-1", moment("+3 08:00"))
