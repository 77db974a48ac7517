"""Leaving, coming back, and everything that only looks like it."""

from itertools import permutations

import msgspec
import pytest
from story import HOME, Spot, Story, client, moment

from alerts.types import RuleScope, Zone
from devices.directory import Circle, Device

TRACKER = Device(id="tag-1", kind="phone", holder="client:c-1")
AWAY, INSIDE = HOME.north(400), HOME.north(30)
RING = tuple(
    (p.lon, p.lat) for p in (HOME, HOME.east(300), HOME.east(300).north(300), HOME.north(300))
)


def keep_in(radius: float = 200, **more: object) -> Zone:
    circle = Circle(lat=HOME.lat, lon=HOME.lon, radius=radius)
    return Zone(id="z-1", owner="client:c-1", rule="keep_in", circle=circle, **more)  # type: ignore[arg-type]


def keep_out(radius: float = 100) -> Zone:
    circle = Circle(lat=HOME.lat, lon=HOME.lon, radius=radius)
    return Zone(id="z-1", owner="client:c-1", rule="keep_out", circle=circle)


def story(zone: Zone | None = None, *more: object, **rules: dict[str, object]) -> Story:
    items = (client("c-1", care_level="full"), TRACKER, zone or keep_in(), *more)
    return Story(*items, rules=rules or None, only=("geofence_breached",))  # type: ignore[arg-type]


def walk(told: Story, *fixes: tuple[str, Spot]) -> Story:
    for at, spot in fixes:
        told.at(at).position("tag-1", spot)
    return told


def test_leaving_raises_on_the_second_fix_after_two_minutes_and_returning_clears() -> None:
    told = walk(story(), ("09:00", INSIDE), ("09:10", AWAY), ("09:11", AWAY))
    told.expect_nothing().at("09:12").position("tag-1", AWAY)
    found = told.expect("geofence_breached", "client:c-1", at="09:12", key="z-1", severity="high")
    assert [fact.at for fact in found.evidence] == [moment("09:10"), moment("09:12")]
    walk(told, ("09:30", INSIDE)).expect_nothing()
    told.at("09:32").position("tag-1", INSIDE)
    told.expect("geofence_breached", "client:c-1", "cleared", at="09:32", reason="back")
    told.expect_nothing()


def test_one_wild_fix_says_nothing() -> None:
    told = walk(story(), ("09:00", INSIDE), ("09:05", AWAY), ("09:06", INSIDE), ("09:10", AWAY))
    walk(told, ("09:11", INSIDE)).expect_nothing()


@pytest.mark.parametrize(
    ("metres", "accuracy", "out"),
    [
        (231, 10, True),  # 200 + 20 + 10
        (229, 10, False),
        (400, 101, False),  # vaguer than the cap
        (400, None, True),  # missing counts as 100 m
        (319, None, False),
        (319, 0, False),  # so does zero
        (321, 0, True),
        (319, 100, False),
    ],
)
def test_accuracy_is_taken_off(metres: float, accuracy: float | None, out: bool) -> None:
    told = story()
    for at in ("09:00", "09:05"):
        told.at(at).position("tag-1", HOME.north(metres), accuracy)
    assert bool(told.told) is out


def test_a_place_to_keep_out_of() -> None:
    told = walk(story(keep_out()), ("09:00", AWAY), ("09:10", INSIDE), ("09:13", INSIDE))
    told.expect("geofence_breached", "client:c-1", "raised", at="09:13", reason="entered_zone")
    walk(told, ("09:20", AWAY), ("09:22", AWAY))
    told.expect("geofence_breached", "client:c-1", "cleared", at="09:22")


def test_a_polygon() -> None:
    zone = Zone(id="z-1", owner="client:c-1", rule="keep_in", polygon=RING)
    told = walk(story(zone), ("09:00", HOME.east(150).north(150)), ("09:05", HOME.east(150)))
    walk(told, ("09:10", HOME.east(340)), ("09:15", HOME.east(340))).expect(
        "geofence_breached", "client:c-1", "raised", at="09:15"
    )


def test_a_night_zone_bites_only_at_night() -> None:
    told = walk(story(keep_in(active="20:00-06:00")), ("19:00", AWAY), ("19:50", AWAY))
    told.expect_nothing()
    walk(told, ("20:01", AWAY), ("20:04", AWAY))
    told.expect("geofence_breached", "client:c-1", "raised", at="20:04")
    told.at("+1 06:00")
    told.expect("geofence_breached", "client:c-1", "cleared", at="+1 06:00", reason="zone_inactive")
    walk(told, ("+1 07:00", AWAY), ("+1 19:59", AWAY)).expect_nothing()
    walk(told, ("+1 20:00", AWAY), ("+1 20:01", AWAY)).expect_nothing()  # the night begins anew
    walk(told, ("+1 20:02", AWAY)).expect("geofence_breached", "client:c-1", at="+1 20:02")
    told.expect_nothing()


def test_a_zone_ends_when_its_time_has_come_and_begins_no_sooner() -> None:
    zone = keep_in(from_=moment("09:00"), until=moment("12:00"))
    told = walk(story(zone), ("08:00", AWAY), ("08:59", AWAY), ("09:01", AWAY)).expect_nothing()
    walk(told, ("09:03", AWAY)).expect("geofence_breached", "client:c-1", at="09:03")
    told.at("12:30")
    told.expect("geofence_breached", "client:c-1", "cleared", at="12:00", reason="zone_inactive")
    walk(told, ("12:31", AWAY), ("12:40", AWAY)).expect_nothing()


def test_what_comes_late_of_a_night_that_is_over_says_nothing_any_more() -> None:
    told = story(keep_in(active="20:00-06:00")).at("+1 07:00")
    for at in ("23:00", "23:05", "23:10"):
        told.position("tag-1", AWAY, observed=at)
    told.at("+2 00:00").expect_nothing()


def test_a_night_s_end_is_met_by_a_restart_too() -> None:
    told = walk(story(keep_in(active="20:00-06:00")), ("20:01", AWAY), ("20:04", AWAY))
    told.expect("geofence_breached", "client:c-1")
    told.now = moment("+1 20:30")  # the process was away all day
    told.restart()
    told.expect("geofence_breached", "client:c-1", "cleared", reason="zone_inactive")
    walk(told, ("+1 20:31", AWAY)).expect_nothing()


DAUGHTER = HOME.north(2_000)
SECOND = Zone(
    id="z-2",
    owner="client:c-1",
    rule="keep_in",
    circle=Circle(lat=DAUGHTER.lat, lon=DAUGHTER.lon, radius=200),
)


def test_who_is_inside_one_of_two_homes_is_out_of_neither() -> None:
    told = walk(story(None, SECOND), ("09:00", DAUGHTER), ("09:10", DAUGHTER), ("10:00", HOME))
    walk(told, ("10:10", HOME)).expect_nothing()
    walk(told, ("11:00", HOME.north(1_000)), ("11:05", HOME.north(1_000)))
    assert sorted(found.key for found in told.told) == ["z-1", "z-2"]
    told.told.clear()
    walk(told, ("11:20", DAUGHTER), ("11:25", DAUGHTER))
    assert sorted((found.key, found.event) for found in told.told) == [
        *(("z-1", "cleared"), ("z-2", "cleared"))
    ]


def test_a_second_home_excuses_only_while_it_is_active() -> None:
    by_day = msgspec.structs.replace(SECOND, active="08:00-18:00")
    told = walk(story(None, by_day), ("09:00", DAUGHTER), ("17:50", DAUGHTER)).expect_nothing()
    walk(told, ("18:00", DAUGHTER), ("18:05", DAUGHTER))
    told.expect("geofence_breached", "client:c-1", at="18:05", key="z-1")
    told.expect_nothing()


def test_a_place_to_keep_out_of_is_no_excuse_and_is_excused_by_none() -> None:
    out = Zone(
        id="z-2",
        owner="client:c-1",
        rule="keep_out",
        circle=Circle(lat=HOME.lat, lon=HOME.lon, radius=50),
    )
    told = walk(story(None, out), ("09:00", HOME), ("09:05", HOME))
    told.expect("geofence_breached", "client:c-1", key="z-2", reason="entered_zone")
    told.expect_nothing()


def test_a_mocked_place_says_nothing() -> None:
    told = story()
    for at in ("09:00", "09:05"):
        told.at(at).position("tag-1", AWAY, mock=True)
    told.expect_nothing()


def test_a_tracker_outside_is_not_excused_by_a_phone_at_home() -> None:
    told = story(None, Device(id="tag-2", kind="phone", holder="client:c-1"))
    for at in ("09:00", "09:02", "09:04"):
        told.at(at).position("tag-1", AWAY).position("tag-2", INSIDE)
    told.expect("geofence_breached", "client:c-1", "raised", at="09:02")
    told.expect_nothing()


def test_repeats_and_any_order_end_in_the_same_verdict() -> None:
    fixes = [("09:00", INSIDE), ("09:04", AWAY), ("09:07", AWAY), ("09:09", INSIDE)]
    for order in permutations([*fixes, fixes[2]]):
        told = story().at("10:00")
        for n, (observed, spot) in enumerate(order):
            told.position("tag-1", spot, observed=observed, id=f"{observed}-{n * 0}")
        assert told.world._memories.by_rule["geofence_breached"].states["z-1"].breached is True  # type: ignore[attr-defined]


def test_buffered_fixes_raise_when_they_come() -> None:
    told = story().at("15:00").position("tag-1", AWAY, observed="09:00")
    told.position("tag-1", AWAY, observed="09:05")
    told.expect("geofence_breached", "client:c-1", "raised", at="15:00")


def test_a_restart_in_the_middle_forgets_neither_fix_nor_breach() -> None:
    told = walk(story(), ("09:00", AWAY)).restart()
    walk(told, ("09:03", AWAY)).expect("geofence_breached", "client:c-1", "raised")
    walk(told.restart(), ("09:10", AWAY), ("09:20", INSIDE), ("09:25", INSIDE))
    told.expect("geofence_breached", "client:c-1", "cleared")
    told.expect_nothing()


def test_settings_by_care_level() -> None:
    scope = RuleScope(care_level="full", rules={"geofence_breached": {"confirm_fixes": 3}})
    told = walk(story(None, scope), ("09:00", AWAY), ("09:05", AWAY)).expect_nothing()
    walk(told, ("09:06", AWAY)).expect("geofence_breached", "client:c-1", "raised")


def test_a_zone_taken_away_clears_and_a_redrawn_one_starts_anew() -> None:
    told = walk(story(), ("09:00", AWAY), ("09:05", AWAY))
    told.expect("geofence_breached", "client:c-1", "raised")
    told.change(keep_in(radius=600))
    walk(told, ("09:10", AWAY), ("09:15", AWAY)).expect(
        "geofence_breached", "client:c-1", "cleared", at="09:15"
    )
    walk(told, ("09:20", HOME.north(900)), ("09:25", HOME.north(900))).expect(
        "geofence_breached", "client:c-1", "raised"
    )
    told.change(gone={"zones": ("z-1",)})
    told.expect("geofence_breached", "client:c-1", "cleared", reason="zone_inactive")
