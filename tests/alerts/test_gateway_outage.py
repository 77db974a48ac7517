"""A gateway or a broker session is lost: one incident of it, and none of the area around."""

from itertools import permutations

import pytest
from story import Story, area, button, client, door

from alerts.rules.shared.outages import Loss, Measure, outages
from devices.directory import Device, Directory, RegisterChange

RULE, HUB, WHERE = "area_outage", "gateway:hub-1", "area:wangji"
AREAS = (area("mudan"), area("wangji", "mudan"), area("liji", "mudan"))


def hub(key: str, **more: object) -> Device:
    """A gateway: all that it says itself is whether it is there."""
    return Device(id=key, kind="sensor", **more)  # type: ignore[arg-type]


def homes(where: str, gateway: str | None, count: int, first: int = 1) -> tuple[object, ...]:
    """Homes of one door each, that speak through a gateway: door-c-1, door-c-2, ..."""
    names = [f"c-{n}" for n in range(first, first + count)]
    clients = (client(name, area=where) for name in names)
    return (*clients, *(door(name, gateway=gateway) for name in names))


def told_of(*town: object, **kw: object) -> Story:
    """A town in which every gateway and every door has been heard at 08:00."""
    told = Story(*AREAS, *town, only=("device_silent", "no_activity", RULE), **kw)  # type: ignore[arg-type]
    told.at("08:00")
    for device in told.directory.devices:
        told.status(device.id, online=True)
    return told


def offline(told: Story, *devices: str) -> Story:
    for device in devices:
        told.status(device, online=False)
    return told


def test_a_gateways_last_will_is_one_incident_that_lists_its_devices() -> None:
    told = offline(told_of(hub("hub-1"), *homes("wangji", "hub-1", 12)).at("10:00"), "hub-1")
    told.at("10:01:59").expect_nothing().at("10:02")
    found = told.expect(RULE, HUB, "raised", at="10:02", severity="high", reason="gateway_lost")
    assert found.detail == "13 of 13 devices at gateway hub-1 are lost"
    lost = {fact.device for fact in found.evidence if fact.what == "device_lost"}
    assert lost == {"hub-1", *(f"door-c-{n}" for n in range(1, 13))}
    told.at("+1 20:00").expect_nothing()  # no door speaks for itself, no home seems inactive


def test_a_gateway_that_starts_anew_is_no_outage() -> None:
    told = offline(told_of(hub("hub-1"), *homes("wangji", "hub-1", 12)).at("10:00"), "hub-1")
    told.at("10:01").status("hub-1", online=True).at("15:00").expect_nothing()


def test_it_ends_with_its_gateway_though_no_door_has_spoken_yet() -> None:
    told = offline(told_of(hub("hub-1"), *homes("wangji", "hub-1", 3)).at("10:00"), "hub-1")
    told.at("10:30").expect(RULE, HUB)
    told.status("hub-1", online=True).expect(RULE, HUB, "cleared", at="10:30", reason="back")
    told.at("+1 09:04").expect_nothing("device_silent")
    told.at("+1 09:05").expect("device_silent", "device:door-c-1", "raised")  # 25 h and the hold


def test_the_village_is_dark_though_the_gateway_says_nothing() -> None:
    """Ten of its doors within minutes: the gateway explains them all."""
    told = told_of(hub("hub-1"), *homes("wangji", "hub-1", 20)).at("10:00")
    offline(told, *(f"door-c-{n}" for n in range(1, 11))).at("10:00:30")
    told.expect(RULE, HUB, "raised", at="10:00", reason="lost")
    told.expect_nothing()


def test_doors_beside_it_are_an_outage_of_the_area() -> None:
    town = (hub("hub-1"), *homes("wangji", "hub-1", 12), *homes("wangji", None, 12, 100))
    told = told_of(*town).at("10:00")
    offline(told, "hub-1", *(f"door-c-{n}" for n in range(100, 112))).at("10:01")
    found = told.expect(RULE, WHERE, "raised")
    assert len(found.evidence) == 25
    told.expect_nothing(RULE)


def test_a_power_cut_that_takes_many_gateways_is_one_outage_of_the_area() -> None:
    hubs = [hub(f"hub-{n}") for n in range(4)]
    doors = [homes("wangji", f"hub-{n}", 4, 10 * n) for n in range(4)]
    told = told_of(*hubs, *(one for group in doors for one in group)).at("10:00")
    offline(told, *(one.id for one in hubs)).at("10:30")
    assert len(told.expect(RULE, WHERE, "raised", at="10:02").evidence) == 20
    told.expect_nothing(RULE)


def test_a_broker_session_that_spans_two_villages() -> None:
    town = (hub("site"), *homes("wangji", "site", 6), *homes("liji", "site", 6, 100))
    told = offline(told_of(*town).at("10:00"), "site").at("10:30")
    told.expect(RULE, "gateway:site", "raised", at="10:02")
    told.expect_nothing(RULE)


def test_gateways_behind_a_broker_session_are_lost_with_it() -> None:
    town = (
        hub("site"),
        *(hub("hub-1", gateway="site"), hub("hub-2", gateway="site")),
        *(*homes("wangji", "hub-1", 5), *homes("wangji", "hub-2", 5, 100)),
    )
    told = offline(told_of(*town).at("10:00"), "site").at("10:30")
    found = told.expect(RULE, "gateway:site", "raised", at="10:02")
    assert len(found.evidence) == 13
    told.expect_nothing(RULE)
    told.status("site", online=True).expect(RULE, "gateway:site", "cleared", reason="back")


def test_too_few_behind_it_are_no_outage() -> None:
    town = (hub("hub-1"), *homes("wangji", "hub-1", 1))
    offline(told_of(*town).at("10:00"), "hub-1").at("12:00").expect_nothing(RULE)
    fewer = {RULE: {"gateway_devices": 2}}
    told = offline(told_of(*town, rules=fewer).at("10:00"), "hub-1").at("12:00")
    told.expect(RULE, HUB, "raised")


def test_a_door_heard_by_another_way_is_not_lost() -> None:
    told = offline(told_of(hub("hub-1"), *homes("wangji", "hub-1", 3)).at("10:00"), "hub-1")
    told.at("10:05").expect(RULE, HUB, "raised")
    told.door("door-c-1").at("10:06")
    assert "3 of 4" in told.expect(RULE, HUB, "revised").detail


def test_a_device_never_heard_is_not_cut_off() -> None:
    told = told_of(hub("hub-1"), *homes("wangji", "hub-1", 2)).change(*homes("wangji", "hub-1", 9))
    offline(told.at("10:00"), "hub-1").at("10:05")
    assert "3 of 3" in told.expect(RULE, HUB, "raised").detail


def test_its_sos_buttons_are_named_and_never_part_of_it() -> None:
    town = (hub("hub-1"), *homes("wangji", "hub-1", 3), button("c-1", gateway="hub-1"))
    told = offline(told_of(*town).at("10:00"), "hub-1").at("10:05")
    found = told.expect(RULE, HUB, "raised")
    assert [fact.device for fact in found.evidence if fact.what == "sos_cut_off"] == ["btn-c-1"]
    assert found.detail == "4 of 4 devices at gateway hub-1 are lost"


def test_a_restart_in_the_middle() -> None:
    told = offline(told_of(hub("hub-1"), *homes("wangji", "hub-1", 12)).at("10:00"), "hub-1")
    told.restart().at("10:02").expect(RULE, HUB, "raised", at="10:02")
    told.restart().at("11:00").status("hub-1", online=True).expect(RULE, HUB, "cleared")
    told.expect_nothing()


def test_a_repeat_and_a_last_will_that_comes_late_change_nothing() -> None:
    told = told_of(hub("hub-1"), *homes("wangji", "hub-1", 12)).at("10:00")
    told.status("hub-1", online=False, observed="07:00").at("10:30").expect_nothing()
    offline(told, "hub-1", "hub-1").at("10:33").expect(RULE, HUB, "raised", at="10:32")
    told.expect_nothing()


def test_the_word_that_the_broker_kept_for_us_ends_it() -> None:
    """We were away when the gateway came back: nobody says it again."""
    told = offline(told_of(hub("hub-1"), *homes("wangji", "hub-1", 3)).at("10:00"), "hub-1")
    told.at("10:30").expect(RULE, HUB, "raised")
    told.status("hub-1", online=True, replayed=True, observed_at=None)
    told.expect(RULE, HUB, "cleared", at="10:30", reason="back")


def test_a_door_moved_to_another_gateway_is_not_cut_off_any_more() -> None:
    town = (hub("hub-1"), hub("hub-2"), *homes("wangji", "hub-1", 3))
    told = offline(told_of(*town).at("10:00"), "hub-1").at("10:05")
    told.expect(RULE, HUB, "raised")
    told.change(door("c-1", gateway="hub-2")).at("10:06")
    assert "3 of 3" in told.expect(RULE, HUB, "revised").detail


@pytest.mark.parametrize("order", list(permutations(("hub-1", "hub-2", "site"))))
def test_the_smallest_that_explains_in_any_order(order: tuple[str, ...]) -> None:
    start = Story().now
    site, hubs = hub("site"), [hub(f"hub-{n}", gateway="site") for n in (1, 2)]
    devices = {one.id: one for one in (site, *hubs)}
    register = RegisterChange(areas=AREAS, devices=tuple(devices[key] for key in order))
    directory = Directory().changed(register)

    def found(**lost: int) -> list[str]:
        places = {
            "one": "gateway:hub-1 area:wangji",
            "two": "gateway:hub-2 area:liji",
            "none": "area:wangji",
        }
        losses = {
            places[key]: [Loss(f"{key}-{n}", start) for n in range(count)]
            for key, count in lost.items()
        }
        heard = dict.fromkeys(places.values(), 20)
        measure = Measure(10, 0.2, Story().at("10:00").now - Story().at("09:50").now)
        return list(outages(losses, heard, directory, lambda node: measure))

    assert found(one=12) == ["gateway:hub-1"]
    assert found(one=12, two=12) == ["gateway:site"]
    assert found(one=6, two=6) == ["gateway:site"]
    assert found(one=12, none=3) == ["gateway:hub-1"]
    assert found(one=12, none=12) == ["area:wangji"]
    assert found(one=5, none=6) == ["area:wangji"]
    assert found(one=3, two=3) == []
