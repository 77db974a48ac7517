"""What holds of every rule, shown on a story of its own.

The same things said twice, with a restart behind each, or late and in another order, end the same;
of all settings the narrowest counts; every finding explains itself.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from story import (
    HOME,
    Story,
    agency,
    area,
    button,
    caregiver,
    client,
    door,
    moment,
    phone,
    visit,
)

from alerts.rules import RULES
from alerts.types import Condition, PlanSet, RuleScope, Stored, TownChanged, Zone
from devices.directory import Circle, Device, Facility, Resident
from devices.subject import Subject

AREAS = (area("mudan"), area("wangji", "mudan"), agency("a-1"))
HOMES = (client("c-1", area="wangji", care_level="full", agency="a-1"), door("c-1"), button("c-1"))
PLACE = Facility(id="f-1", area="mudan", home=Circle(lat=HOME.lat, lon=HOME.lon))
FAR_PLACE = Facility(id="f-2", area="mudan", home=Circle(lat=HOME.lat + 0.5, lon=HOME.lon))
TERMINALS = tuple(Device(id=f"term-{n}", kind="terminal", holder=f"facility:f-{n}") for n in (1, 2))
FACES = (PLACE, FAR_PLACE, Resident(id="r-1", facility="f-1", face="P-1"), *TERMINALS)
TAG = Device(id="tag", kind="sensor", holder="client:c-1")
FENCE = Zone(
    id="z-1",
    owner="client:c-1",
    rule="keep_in",
    circle=Circle(lat=HOME.lat, lon=HOME.lon, radius=200),
)
ROUND = (caregiver("g-1", agency="a-1"), phone("g-1"), visit("v-1"))
AWAY = HOME.north(5_000)
HOT = Condition(id="hot", when="reading.battery < 10.0", kinds=("door",))
Tell = Callable[[Story], object]


class Case(msgspec.Struct, frozen=True):
    """A rule's story, what is found in it, and a setting under which something else is."""

    tell: Tell
    town: tuple[Any, ...]
    found: tuple[str, ...]
    setting: dict[str, Any]
    subject: str
    begins: str | None = "00:00"


def sos(told: Story) -> None:
    told.at("10:00").press("btn-c-1").at("10:05").press("btn-c-1")


def fence(told: Story) -> None:
    for minute, spot in ((0, HOME), (2, AWAY), (3, AWAY), (5, AWAY), (10, HOME), (13, HOME)):
        told.at(f"10:{minute:02}").position("tag", spot)


def missed(told: Story) -> None:
    told.stays("g-1", AWAY, "08:30", "11:30", every=5).at("12:10")
    told.stayed("g-1", HOME, "09:01", "09:59").at("12:30")


def late(told: Story) -> None:
    told.stays("g-1", AWAY, "08:30", "10:10", every=5).stays("g-1", HOME, "10:20", "10:40")


def short(told: Story) -> None:
    told.stays("g-1", HOME, "09:00", "09:40").stays("g-1", AWAY, "09:50", "11:00", every=5)
    told.at("11:30").stayed("g-1", HOME, "09:42", "09:48").at("11:40")


def unended(told: Story) -> None:
    told.stays("g-1", HOME, "09:00", "10:30").at("12:00").position("g-1", AWAY, observed="10:40")
    told.at("12:30").position("g-1", AWAY, observed="10:45").at("12:40")


def silent(told: Story) -> None:
    told.at("08:00").status("term-1").at("08:30").status("term-1")


def outage(told: Story) -> None:
    doors = [f"door-h-{n}" for n in range(12)]
    for online, at in ((True, "08:00"), (False, "09:00"), (True, "09:30")):
        for name in doors:
            told.at(at).status(name, online=online)


def inactive(told: Story) -> None:
    told.at("08:00").door("door-c-1").door("door-c-1", open=False)
    told.at("+1 09:00").door("door-c-1")


def left_open(told: Story) -> None:
    told.at("08:00").door("door-c-1").at("09:30").door("door-c-1", open=False)


def overdue(told: Story) -> None:
    told.at("08:00").door("door-c-1", open=False).at("+7 10:00")
    told.mark("g-1", "check_in").door("door-c-1").at("+7 12:00")


def battery(told: Story) -> None:
    for minute, percent in enumerate((14, 14, 80)):
        told.at(f"10:{minute:02}").status("door-c-1", battery=percent)


def absent(told: Story) -> None:
    told.at("10:00").face("term-1", "P-1", score=0.9, alive=True).at("+29 00:30")
    told.face("term-1", "P-1", score=0.9, alive=True, observed="+20 10:00")


def stranger(told: Story) -> None:
    told.at("10:00").face("term-1", None, score=0.9, alive=True)
    told.at("10:02").face("term-1", None, score=0.9, alive=True)


def twice(told: Story) -> None:
    told.at("10:00").face("term-1", "P-1", score=0.9, alive=True)
    told.at("10:05").face("term-2", "P-1", score=0.9, alive=True)


def too_fast(told: Story) -> None:
    told.at("10:00").position("g-1", HOME).at("10:01").position("g-1", HOME.north(20_000))
    for step in range(1, 9):
        told.at(f"10:{1 + 5 * step}").position("g-1", HOME.north(20_000))


def own(told: Story) -> None:
    told.at("10:00").door("door-c-1", battery=5).at("10:05").door("door-c-1", battery=50)


OF_VISIT = (*HOMES, *ROUND)
VILLAGE = tuple(
    item for n in range(12) for item in (client(f"h-{n}", area="wangji"), door(f"h-{n}"))
)
RAISED_CLEARED = ("raised", "cleared")
CASES: dict[str, Case] = {
    "sos_pressed": Case(sos, HOMES, ("raised", "joined"), {"join_minutes": 3}, "client:c-1"),
    "geofence_breached": Case(
        fence, (*HOMES, TAG, FENCE), RAISED_CLEARED, {"confirm_seconds": 900}, "client:c-1"
    ),
    "visit_missed": Case(missed, OF_VISIT, RAISED_CLEARED, {"grace_minutes": 90}, "client:c-1"),
    "visit_late": Case(late, OF_VISIT, RAISED_CLEARED, {"after_minutes": 70}, "client:c-1"),
    "visit_short": Case(short, OF_VISIT, RAISED_CLEARED, {"share": 0.5}, "client:c-1"),
    "visit_unended": Case(unended, OF_VISIT, RAISED_CLEARED, {"after_minutes": 120}, "client:c-1"),
    "device_silent": Case(
        silent, FACES, RAISED_CLEARED, {"minutes": {"terminal": 40}}, "device:term-1"
    ),
    "area_outage": Case(
        outage, VILLAGE, ("raised", "revised", "cleared"), {"devices": 5}, "area:wangji"
    ),
    "no_activity": Case(inactive, HOMES, RAISED_CLEARED, {"hours": 30}, "client:c-1"),
    "door_left_open": Case(left_open, HOMES, RAISED_CLEARED, {"minutes": 100}, "client:c-1"),
    "contact_overdue": Case(
        overdue,
        (*HOMES, caregiver("g-1", agency="a-1"), phone("g-1")),
        RAISED_CLEARED,
        {"days": {"full": 9}},
        "client:c-1",
    ),
    "battery_low": Case(battery, HOMES, RAISED_CLEARED, {"percent": 5}, "device:door-c-1"),
    "face_presence_missing": Case(
        absent, FACES, 2 * RAISED_CLEARED, {"per_month": 1}, "resident:r-1"
    ),
    "face_unknown": Case(
        stranger, FACES, ("raised", "joined"), {"join_minutes": 1}, "facility:f-1"
    ),
    "presence_conflict": Case(twice, FACES, ("raised",), {"km_per_hour": 10_000}, "resident:r-1"),
    "implausible_movement": Case(
        too_fast,
        (caregiver("g-1", agency="a-1"), phone("g-1")),
        RAISED_CLEARED,
        {"km_per_hour": 2_000},
        "caregiver:g-1",
    ),
    "own_condition": Case(own, HOMES, RAISED_CLEARED, {}, "client:c-1"),
}
WITH_SETTINGS = [name for name, case in CASES.items() if case.setting]


def begun(rule: str, *more: Any, **kw: Any) -> Story:
    case = CASES[rule]
    told = Story(*AREAS, *case.town, *more, only=(rule, *BESIDE.get(rule, ())), **kw)
    if rule == "own_condition":
        told.feels(TownChanged(at=told.now, plans=PlanSet(conditions=(HOT,))))
    return told


BESIDE = {"area_outage": ("device_silent",)}  # it tells what is lost


def lines(told: Story, rule: str) -> list[tuple[Any, ...]]:
    found = (one for one in told.told if one.rule == rule)
    return [(one.at, one.subject, one.key, one.event, one.reason, one.detail) for one in found]


def told(rule: str, *more: Any, **kw: Any) -> Story:
    story = begun(rule, *more, **kw)
    CASES[rule].tell(story)
    return story


def again(rule: str, hear: Callable[[Story, Stored], object]) -> Story:
    """The rule's story from what was said in it; `hear` says how each thing is heard."""
    first, story = told(rule), begun(rule)
    for stimulus in first.stimuli:
        if isinstance(stimulus, Stored):
            story.now = max(story.now, stimulus.moment)
            hear(story, stimulus)
    story.now = first.now
    return story.at(local(first.now))


def local(at: Any) -> str:
    minutes, seconds = divmod(int((at - moment("00:00")).total_seconds()), 60)
    return f"+{minutes // 1440} {minutes // 60 % 24:02}:{minutes % 60:02}:{seconds:02}"


def test_there_is_a_story_of_every_rule() -> None:
    assert list(CASES) == [rule.name for rule in RULES if rule.name in CASES]
    assert {rule.name for rule in RULES} == CASES.keys()


@pytest.mark.parametrize("rule", CASES)
def test_it_raises_and_clears_as_its_story_says(rule: str) -> None:
    found = [event for *_, event, _, _ in lines(told(rule), rule)]
    assert tuple(found) == CASES[rule].found


@pytest.mark.parametrize("rule", CASES)
def test_the_same_things_said_twice_change_nothing(rule: str) -> None:
    twice = again(rule, lambda story, it: story.feels(it).feels(it))
    assert lines(twice, rule) == lines(told(rule), rule)


@pytest.mark.parametrize("rule", CASES)
def test_a_restart_behind_each_thing_said_changes_nothing(rule: str) -> None:
    restarted = again(rule, lambda story, it: story.feels(it).restart())
    assert lines(restarted, rule) == lines(told(rule), rule)


def standing(rule: str, order: int) -> set[tuple[str, str]]:
    """What stands in the end when all of a story comes late, at once, forwards or backwards."""
    first, story = told(rule), begun(rule)
    said = [one.reading for one in first.stimuli if isinstance(one, Stored)]
    story.at(local(first.now))
    for reading in said[::order]:
        story.says(msgspec.structs.replace(reading, received_at=story.now, replayed=False))
    days, _, clock = local(first.now).partition(" ")
    story.at(f"+{int(days) + 1} {clock}")
    stands: set[tuple[str, str]] = set()
    for found in (one for one in story.told if one.rule == rule):
        stands.discard((found.subject, found.key))
        if found.event != "cleared":
            stands.add((found.subject, found.key))
    return stands


@pytest.mark.parametrize("rule", CASES)
def test_late_and_backwards_ends_as_late_and_in_order(rule: str) -> None:
    assert standing(rule, -1) == standing(rule, 1)


def levels(rule: str) -> list[dict[str, str]]:
    """The scopes that fit the story's subject, from wide to narrow."""
    subject, directory = CASES[rule].subject, begun(rule).directory
    about = Subject.parse(subject)
    found: list[tuple[str, str | None]] = [
        ("area", area) for area in reversed(directory.area_path(directory.area_of(about)))
    ]
    client = directory.client_of(about)
    found.append(("care_level", client.care_level if client else None))
    found.append(("agency", directory.agency_of(about)))
    found.append(("subject", subject))
    return [{level: key} for level, key in found if key is not None]


@pytest.mark.parametrize("rule", WITH_SETTINGS)
def test_a_setting_counts_at_every_level_and_the_narrower_wins(rule: str) -> None:
    case = CASES[rule]
    plain, wide = lines(told(rule), rule), lines(told(rule, rules={rule: case.setting}), rule)
    assert plain != wide
    usual = msgspec.to_builtins({one.name: one for one in RULES}[rule].settings())
    back = {name: usual[name] for name in case.setting}
    wider: dict[str, str] | None = None
    for level in levels(rule):
        scope = RuleScope(**level, rules={rule: case.setting})  # type: ignore[arg-type]
        assert lines(told(rule, scope), rule) == wide, level
        if wider is not None:
            contrary = RuleScope(**wider, rules={rule: back})  # type: ignore[arg-type]
            assert lines(told(rule, scope, contrary), rule) == wide, (level, wider)
        wider = level
    elsewhere = RuleScope(subject=f"{case.subject}-x", rules={rule: case.setting})
    assert lines(told(rule, elsewhere), rule) == plain


@pytest.mark.parametrize("rule", CASES)
def test_every_finding_explains_itself(rule: str) -> None:
    story = told(rule)
    found = [one for one in story.told if one.rule == rule]
    version = {one.name: one.version for one in RULES}[rule]
    assert all(one.evidence and one.detail and one.reason for one in found)
    assert all(one.rule_version == version for one in found)
    if rule in WITH_SETTINGS:
        assert all(CASES[rule].setting.keys() <= one.settings.keys() for one in found)
    assert all(before.at <= after.at for before, after in pairwise(found))
