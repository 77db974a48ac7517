"""Leaving, coming back, and everything that only looks like it."""

from itertools import permutations

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
    walk(told, ("+1 07:00", AWAY)).expect_nothing()
    walk(told, ("+1 08:00", INSIDE), ("+1 08:05", INSIDE))
    told.expect("geofence_breached", "client:c-1", "cleared", at="+1 08:05")


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
    told.expect("geofence_breached", "client:c-1", "cleared", reason="zone_removed")
