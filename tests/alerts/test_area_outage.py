"""A village goes dark: one incident that lists its devices, and nothing from each of them."""

from datetime import timedelta
from itertools import permutations

import pytest
from story import Story, area, button, client, door

from alerts.rules.shared.outages import Loss, Measure, densest, outages
from alerts.types import RuleScope
from devices.directory import Device, Directory, Facility, RegisterChange

RULE, WHERE = "area_outage", "area:wangji"
AREAS = (area("mudan"), area("wangji", "mudan"), area("liji", "mudan"))


def homes(where: str, count: int, first: int = 1) -> tuple[object, ...]:
    """Homes of one door each: door-c-1, door-c-2, ..."""
    names = [f"c-{n}" for n in range(first, first + count)]
    return (*(client(name, area=where) for name in names), *(door(name) for name in names))


def village(*more: object, homes_there: int = 20, **kw: object) -> Story:
    """A village whose doors have all been heard at 08:00."""
    town = (*AREAS, *homes("wangji", homes_there), *more)
    told = Story(*town, only=("device_silent", RULE), **kw)  # type: ignore[arg-type]
    told.at("08:00")
    return heard(told, range(1, homes_there + 1))


def heard(told: Story, which: object) -> Story:
    for n in which:  # type: ignore[attr-defined]
        told.status(f"door-c-{n}", online=True)
    return told


def offline(told: Story, which: object, start: str = "10:00", every: float = 0.1) -> Story:
    """One door after the other is said to be offline."""
    for story, n in zip(told.every(every, start, "23:59"), which, strict=False):  # type: ignore[call-overload]
        story.status(f"door-c-{n}", online=False)
    return told


def test_ten_lost_within_minutes_are_one_incident() -> None:
    told = offline(village(), range(1, 11), every=0.05).at("10:01")
    found = told.expect(RULE, WHERE, "raised", at="10:00:27", severity="high", reason="lost")
    assert found.detail == "10 of 20 devices in wangji are lost"
    told.at("23:00").expect_nothing()


def test_what_follows_joins_and_is_told_every_five_minutes() -> None:
    told = offline(village(), range(1, 16), every=0.05).at("10:02")
    assert "10 of 20" in told.expect(RULE, WHERE, "raised", at="10:00:27").detail
    assert "15 of 20" in told.expect(RULE, WHERE, "revised", at="10:01").detail
    offline(told, [17], "10:03").at("10:05:59").expect_nothing().at("10:06")
    assert "16 of 20" in told.expect(RULE, WHERE, "revised", at="10:06").detail
    offline(told, [16], "10:30").at("11:00")
    assert "17 of 20" in told.expect(RULE, WHERE, "revised", at="10:30:30").detail
    told.expect_nothing()


def test_its_devices_are_listed() -> None:
    told = offline(village(), range(1, 16), every=0.01).at("10:01")
    first, found = told.expect(RULE, WHERE), told.expect(RULE, WHERE, "revised")
    assert [fact.device for fact in first.evidence] == [f"door-c-{n}" for n in range(1, 11)]
    assert [fact.device for fact in found.evidence] == [f"door-c-{n}" for n in range(1, 16)]
    assert {fact.what for fact in found.evidence} == {"device_lost"}


@pytest.mark.parametrize(
    ("lost", "of", "every"),
    [(9, 20, 0.1), (10, 60, 0.1), (10, 20, 1.2)],
    ids=["too few", "too small a share", "too slowly"],
)
def test_it_is_no_outage(lost: int, of: int, every: float) -> None:
    told = offline(village(homes_there=of), range(1, lost + 1), every=every).at("11:00")
    told.expect_nothing(RULE)


def test_its_devices_raise_nothing_and_what_they_had_raised_is_taken_over() -> None:
    told = village(rules={"device_silent": {"minutes": {"door": 60}, "hold_minutes": 5}})
    told.at("09:04:59").expect(RULE, WHERE, "raised", at="09:00")
    told.at("15:00").expect_nothing("device_silent")

    slow = village(rules={"device_silent": {"minutes": {"door": 60}, "hold_minutes": 0}})
    slow.at("09:30")
    for n in range(1, 21):
        slow.expect("device_silent", f"device:door-c-{n}", "raised", at="09:00")
        slow.expect("device_silent", f"device:door-c-{n}", "cleared", reason="area_outage")
    slow.expect(RULE, WHERE, "raised", at="09:00")
    slow.expect(RULE, WHERE, "revised", at="09:00:30")
    slow.expect_nothing()


def test_it_clears_when_few_are_left_and_those_then_speak_for_themselves() -> None:
    told = offline(village(), range(1, 13), every=0.01).at("10:02")
    told.expect(RULE, WHERE, "raised")
    told.expect(RULE, WHERE, "revised")
    heard(told.at("10:03"), range(1, 8)).expect_nothing()
    heard(told.at("10:04"), [8])
    found = told.expect(RULE, WHERE, "cleared", at="10:04", reason="back")
    assert len(found.evidence) == 4
    told.at("+1 09:04:59").expect_nothing("device_silent").at("+1 09:05")
    for n in range(9, 13):
        told.expect("device_silent", f"device:door-c-{n}", "raised", at="+1 09:05")


def test_never_heard_does_not_count_neither_way() -> None:
    told = village(*homes("wangji", 200, first=100))
    offline(told, range(100, 130)).expect_nothing()
    offline(told, range(1, 11), "11:00", 0.01).at("11:01").expect(RULE, WHERE, "raised")


def test_sensors_count_when_they_are_said_to_be_offline() -> None:
    sensors = [Device(id=f"s-{n}", kind="sensor", holder="client:c-1") for n in range(12)]
    told = Story(*AREAS, client("c-1", area="wangji"), *sensors, only=("device_silent", RULE))
    for sensor in sensors:
        told.at("08:00").status(sensor.id)
    told.at("23:00").expect_nothing()  # silence alone says nothing of a sensor
    for sensor in sensors:
        told.status(sensor.id, online=False)
    told.at("23:01").expect(RULE, WHERE, "raised")
    for sensor in sensors:
        told.status(sensor.id, online=True)
    told.expect(RULE, WHERE, "cleared", reason="back")


def test_buttons_are_never_among_them() -> None:
    buttons = tuple(button(f"c-{n}") for n in range(1, 21))
    told = village(*buttons)
    for n in range(1, 21):
        told.press(f"btn-c-{n}", "test").status(f"btn-c-{n}", online=False)
    told.at("10:00").expect_nothing(RULE)


def test_the_smallest_area_that_qualifies() -> None:
    told = offline(village(*homes("liji", 5, 100)), range(1, 21), every=0.01).at("10:01")
    told.expect(RULE, WHERE, "raised")
    told.expect(RULE, WHERE, "revised")
    told.expect_nothing(RULE)


def test_two_villages_too_small_alone_are_one_outage_of_the_town() -> None:
    told = heard(village(*homes("liji", 6, 100), homes_there=6), range(100, 106))
    offline(told, [*range(1, 7), *range(100, 106)], every=0.01).at("10:01")
    told.expect(RULE, "area:mudan", "raised")
    told.expect_nothing(RULE)


def test_an_outage_that_spreads_becomes_the_wider_one() -> None:
    told = heard(village(*homes("liji", 20, 100)), range(100, 120))
    offline(told, range(1, 21), "10:00", 0.01).at("10:01").expect(RULE, WHERE, "raised")
    told.expect(RULE, WHERE, "revised")
    offline(told, range(100, 120), "10:03", 0.01).at("10:04")
    told.expect(RULE, WHERE, "cleared", reason="wider_outage")
    found = told.expect(RULE, "area:mudan", "raised", at="10:03:30")
    assert len(found.evidence) == 40
    told.expect_nothing()


def test_one_flapping_device_is_no_outage() -> None:
    told = village()
    for s in told.every(0.5, "10:00", "10:09"):
        s.status("door-c-1", online=False).status("door-c-1", online=True, id=f"{s.now}")
    told.at("11:00").expect_nothing()


def test_a_restart_in_the_middle() -> None:
    told = offline(village(), range(1, 8)).restart()
    offline(told, range(8, 13), "10:02").restart().at("10:05")
    told.expect(RULE, WHERE, "raised", at="10:02:12")
    heard(told.restart().at("10:30"), range(1, 13))
    told.expect(RULE, WHERE, "cleared", reason="back")


def test_a_smaller_number_for_a_small_place() -> None:
    told = village(RuleScope(area="wangji", rules={RULE: {"devices": 4}}), homes_there=8)
    offline(told, range(1, 5), every=0.01).at("10:01").expect(RULE, WHERE, "raised")


def test_what_is_taken_away_is_not_lost() -> None:
    told = offline(village(), range(1, 11), every=0.01).at("10:01")
    told.expect(RULE, WHERE, "raised")
    told.change(gone={"devices": tuple(f"door-c-{n}" for n in range(1, 11))})
    told.expect(RULE, WHERE, "cleared", reason="back")
    told.expect_nothing()


@pytest.mark.parametrize("order", list(permutations(("a", "b", "c")))[:3])
def test_the_densest_stretch_is_found(order: tuple[str, ...]) -> None:
    start = Story().now
    minutes = {"a": 0, "b": 8, "c": 16}
    losses = [Loss(name, start + timedelta(minutes=minutes[name])) for name in order]
    assert [loss.device for loss in densest(losses, timedelta(minutes=10))] == ["b", "c"]


def test_areas_beside_each_other_and_enough_around() -> None:
    start = Story().now
    directory = Directory().changed(RegisterChange(areas=AREAS))

    def found(**lost: int) -> list[str]:
        losses = {
            f"area:{a}": [Loss(f"{a}-{n}", start) for n in range(count)]
            for a, count in lost.items()
        }
        measure = Measure(10, 0.2, timedelta(minutes=10))
        heard = {"area:wangji": 20, "area:liji": 20, "area:mudan": 20}
        found_nodes = outages(losses, heard, directory, lambda node: measure)
        return [node.removeprefix("area:") for node in found_nodes]

    assert found(wangji=12) == ["wangji"]
    assert found(wangji=20) == ["wangji"]
    assert found(wangji=12, liji=12) == ["mudan"]
    assert found(wangji=20, mudan=12) == ["mudan"]
    assert found(wangji=5, liji=4, mudan=3) == ["mudan"]
    assert found(wangji=5, liji=3) == []


def test_a_device_in_no_area_belongs_to_no_outage() -> None:
    stray = tuple(Device(id=f"s-{n}", kind="door") for n in range(20))
    told = Story(*stray, only=("device_silent", RULE)).at("10:00")
    for device in stray:
        told.status(device.id).status(device.id, online=False)
    told.at("10:30").expect_nothing(RULE)


def dark(told: Story, terminals: int, doors: int) -> Story:
    """Doors that beat once an hour, and terminals beside them; all are heard last at 08:00."""
    for each in told.every(60, "02:00", "08:00"):
        for n in range(1, doors + 1):
            each.status(f"door-c-{n}", online=True)
    for n in range(1, terminals + 1):
        told.status(f"term-{n}", online=True)
    return told


def terminals(count: int) -> tuple[object, ...]:
    return tuple(
        item
        for n in range(1, count + 1)
        for item in (
            Facility(id=f"f-{n}", area="wangji"),
            Device(id=f"term-{n}", kind="terminal", holder=f"facility:f-{n}"),
        )
    )


def test_doors_and_terminals_that_die_together_are_one_outage_when_the_doors_are_found() -> None:
    town = (*AREAS, *homes("wangji", 6), *terminals(6))
    told = dark(Story(*town, only=("device_silent", RULE)), 6, 6)  # type: ignore[arg-type]
    told.at("08:10")
    assert len([found for found in told.told if found.rule == "device_silent"]) == 6
    told.at("+1 10:00")
    found = told.expect(RULE, WHERE, "raised", at="+1 09:00")
    assert {fact.device for fact in found.evidence} >= {"term-1", "term-6", "door-c-1"}
    cleared = [one for one in told.told if one.reason == "area_outage"]
    assert {one.subject for one in cleared} == {f"device:term-{n}" for n in range(1, 7)}


def test_doors_found_at_one_time_that_were_last_heard_at_different_times_are_no_outage() -> None:
    told = Story(*AREAS, *homes("wangji", 12), *terminals(12), only=("device_silent", RULE))  # type: ignore[arg-type]
    for n in range(1, 13):
        told.at(f"{8 + n}:00").status(f"term-{n}", online=True)
    told.at("23:00").expect_nothing(RULE)


def test_a_dark_village_is_one_outage_and_no_home_is_inactive() -> None:
    town = (*AREAS, *homes("wangji", 30))
    told = Story(*town, only=("device_silent", "no_activity", RULE))  # type: ignore[arg-type]
    for each in told.every(60, "02:00", "12:00"):
        for n in range(1, 31):
            each.status(f"door-c-{n}", online=True)
    for n in range(1, 31):
        told.at(f"12:{n // 6:02}").door(f"door-c-{n}").door(f"door-c-{n}", open=False)
    told.at("+3 00:00")
    assert [(found.rule, found.event) for found in told.told if found.event != "revised"] == [
        (RULE, "raised")
    ]
    assert len([fact for fact in told.told[-1].evidence if fact.what == "device_lost"]) == 30
