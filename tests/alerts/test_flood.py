"""Of what a flood is made, and which alarms have stood too long."""

from datetime import timedelta

from ladder_story import NOON
from msgspec.structs import replace

from alerts.cases.lifecycle import open_alert
from alerts.figures.flood import Cause, causes, flooding, is_flood, stale
from alerts.types import Alert, Finding, Severity
from devices.directory import Area, Device, Directory, RegisterChange
from devices.subject import Subject

VILLAGES = ("wangji", "liji", "zhaoji")
TOWN = RegisterChange(
    areas=(
        Area(id="heze"),
        Area(id="mudan", parent="heze"),
        *(Area(id=village, parent="mudan") for village in VILLAGES),
    ),
    devices=(
        Device(id="hub-1"),
        *(
            Device(id=f"door-{n}", kind="door", holder=f"client:c-{n}", gateway="hub-1")
            for n in range(10)
        ),
    ),
)
DIRECTORY = Directory().changed(TOWN)


def alarm(
    subject: str, area: str | None = None, rule: str = "visit_missed", agency: str | None = None
) -> Alert:
    finding = Finding(
        at=NOON, rule=rule, subject=subject, event="raised", severity=Severity.HIGH,
        reason="", detail="",
    )  # fmt: skip
    return open_alert(finding, cause=None, area=area, agency=agency, ladder=None, now=NOON)


def homes(count: int, area: str | None, first: int = 100, **more: str) -> list[Alert]:
    return [alarm(f"client:c-{first + n}", area, **more) for n in range(count)]


def test_alarms_of_one_village_are_named_by_it_and_the_others_apart() -> None:
    found = causes([*homes(6, "wangji"), *homes(3, "liji"), *homes(1, None)], DIRECTORY)
    assert found == [
        Cause("visit_missed", Subject("area", "wangji"), 6),
        Cause("visit_missed", None, 4),
    ]


def test_a_wide_area_is_named_where_no_village_has_most() -> None:
    found = causes([alarm for place in VILLAGES for alarm in homes(3, place)], DIRECTORY)
    assert found == [Cause("visit_missed", Subject("area", "mudan"), 9)]


def test_the_whole_town_explains_nothing() -> None:
    county = Directory().changed(
        RegisterChange(areas=tuple(Area(id=place, parent="heze") for place in VILLAGES))
    )
    spread = [alarm for place in VILLAGES for alarm in homes(3, place)]
    assert causes(spread, county) == [Cause("visit_missed", None, 9)]
    assert causes(homes(4, None), DIRECTORY) == [Cause("visit_missed", None, 4)]


def test_a_gateway_that_explains_all_goes_before_its_village() -> None:
    behind = homes(5, "wangji", first=0, rule="no_activity")
    assert causes(behind, DIRECTORY) == [Cause("no_activity", Subject("gateway", "hub-1"), 5)]
    devices = [alarm(f"device:door-{n}", "wangji", "battery_low") for n in range(5)]
    assert causes(devices, DIRECTORY) == [Cause("battery_low", Subject("gateway", "hub-1"), 5)]


def test_an_agency_is_named_where_it_explains_most() -> None:
    everywhere = [
        alarm(f"client:c-{n}", village, agency="a-1")
        for n, village in enumerate((*VILLAGES, "heze", "heze"), 100)
    ]
    assert causes(everywhere, DIRECTORY) == [Cause("visit_missed", Subject("agency", "a-1"), 5)]


def test_two_alarms_are_no_pattern_and_rules_are_never_mixed() -> None:
    found = causes([*homes(2, "wangji"), *homes(3, "wangji", rule="battery_low")], DIRECTORY)
    assert found == [
        Cause("battery_low", Subject("area", "wangji"), 3),
        Cause("visit_missed", None, 2),
    ]


def test_the_order_alarms_come_in_changes_nothing() -> None:
    mixed = [*homes(5, "wangji"), *homes(2, "liji", agency="a-1"), *homes(4, None)]
    assert causes(mixed, DIRECTORY) == causes(mixed[::-1], DIRECTORY)


def test_a_flood_is_more_than_ten_a_seat_in_ten_minutes() -> None:
    late = replace(alarm("client:c-1"), raised_at=NOON - timedelta(minutes=10))
    assert flooding([alarm("client:c-1"), late], NOON) == [alarm("client:c-1")]
    assert (is_flood(10, 1), is_flood(11, 1), is_flood(11, 2)) == (False, True, False)


def test_what_stands_for_more_than_a_day_is_stale_answered_and_muted_too() -> None:
    day = timedelta(hours=24)
    raised = {"new": day, "old": day * 3, "going": day * 2, "muted": day * 1.5, "over": day * 9}
    alerts = {
        id: replace(alarm("client:c-1"), id=id, raised_at=NOON - age) for id, age in raised.items()
    }
    alerts["going"] = replace(alerts["going"], state="acknowledged", acked_at=NOON)
    alerts["muted"] = replace(alerts["muted"], muted="away")
    alerts["over"] = replace(alerts["over"], state="resolved")
    assert [one.id for one in stale(alerts.values(), NOON)] == ["old", "going", "muted"]
