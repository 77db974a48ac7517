"""Any order of the same readings ends in the same verdict."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from story import HOME, Story, caregiver, client, door, phone, visit

from devices.directory import Circle, Device, Facility, Resident

pytestmark = pytest.mark.slow


TOWN = (
    client("c-1", care_level="full"),
    door("c-1"),
    door("c-1", "2"),
    caregiver("g-1"),
    phone("g-1"),
    Facility(id="f-1", home=Circle(lat=HOME.lat, lon=HOME.lon)),
    Facility(id="f-2", home=Circle(lat=HOME.lat + 0.2, lon=HOME.lon)),
    Resident(id="r-1", facility="f-1", face="P-1"),
    Device(id="term-1", kind="terminal", holder="facility:f-1"),
    Device(id="term-2", kind="terminal", holder="facility:f-2"),
)
Tell = Callable[[Story, str], object]


def doors(device: str, is_open: bool) -> Tell:
    return lambda story, at: story.door(device, open=is_open, observed=at)


def battery(percent: int) -> Tell:
    return lambda story, at: story.status("door-c-1", battery=percent, observed=at)


def face(terminal: str) -> Tell:
    return lambda story, at: story.face(terminal, "P-1", score=0.9, observed=at)


def fix(kilometres: int) -> Tell:
    return lambda story, at: story.position("g-1", HOME.north(kilometres * 1000), observed=at)


def check_in(story: Story, at: str) -> object:
    return story.mark("g-1", "check_in", observed=at)


SAYINGS: dict[str, tuple[Tell, ...]] = {
    "door_left_open": (doors("door-c-1", True), doors("door-c-1", False)),
    "no_activity": (doors("door-c-1", True), doors("door2-c-1", True), doors("door-c-1", False)),
    "battery_low": (battery(5), battery(20), battery(90)),
    "face_presence_missing": (face("term-1"), face("term-2")),
    "presence_conflict": (face("term-1"), face("term-2")),
    "implausible_movement": (fix(0), fix(1), fix(40)),
    "contact_overdue": (check_in, doors("door-c-1", True)),
}
MORNING, MONTH = 12 * 60, 28 * 24 * 60  # minutes
FEW = {"battery_low": 4}  # so many the rule puts in order; older ones only leave their outcome
SLOW = {"battery_low": 60, "face_presence_missing": 24 * 60}  # minutes between what counts


@st.composite
def lateness(draw: st.DrawFn) -> tuple[str, list[tuple[int, Tell]], list[int]]:
    """A rule, what was said at which minutes, and an order in which it comes."""
    rule = draw(st.sampled_from(sorted(SAYINGS)))
    step = SLOW.get(rule, 1)
    times = st.integers(0, (MONTH if step > 60 else MORNING) // step - 1)
    minutes = draw(st.lists(times, max_size=FEW.get(rule, 6), unique=True))
    said = [(minute * step, draw(st.sampled_from(SAYINGS[rule]))) for minute in minutes]
    return rule, said, draw(st.permutations(range(len(said))))


def standing(rule: str, said: list[tuple[int, Tell]], order: list[int]) -> set[tuple[str, str]]:
    """What stands in the end when all of it comes late, one after the other, in this order."""
    of_month = rule == "face_presence_missing"
    received = "+28 12:30" if of_month else "12:30"
    story = Story(*TOWN, only=(rule,), begins="00:00").at(received)
    for n, place in enumerate(order):
        minute, tell = said[place]
        observed = f"+{minute // 1440} {minute // 60 % 24:02}:{minute % 60:02}"
        tell(story.at(f"{received}:{n:02}"), observed)
    story.at("+31 00:00" if of_month else "+8 00:00")
    stands: set[tuple[str, str]] = set()
    for found in story.told:
        stands.discard((found.subject, found.key))
        if found.event != "cleared":
            stands.add((found.subject, found.key))
    return stands


@settings(max_examples=200)
@given(lateness())
def test_any_order_ends_in_the_same_verdict(
    late: tuple[str, list[tuple[int, Tell]], list[int]],
) -> None:
    rule, said, order = late
    in_time = sorted(range(len(said)), key=lambda place: said[place][0])
    assert standing(rule, said, order) == standing(rule, said, in_time)


@pytest.mark.parametrize("rule", sorted(SAYINGS))
def test_every_rule_can_say_something_here(rule: str) -> None:
    """Guards the property above against being true of nothing."""
    tell = {"battery_low": battery(5), "implausible_movement": fix(0)}.get(rule, SAYINGS[rule][0])
    other = {"battery_low": battery(4), "implausible_movement": fix(40)}.get(rule)
    other = other or SAYINGS[rule][-1 if rule == "presence_conflict" else 0]
    assert standing(rule, [(0, tell), (1, other)], [0, 1])


def test_a_fix_that_backs_a_mark_says_so_whichever_came_first() -> None:
    def detail(*order: str) -> list[str]:
        told = Story(client("c-1"), caregiver("g-1"), phone("g-1"), visit("v-1")).at("12:30")
        told.stayed("g-1", HOME, "08:35", "08:47")
        for what in order:
            if what == "mark":
                told.mark("g-1", "check_in", observed="09:00")
            else:
                told.position("g-1", HOME, observed="08:55")
        evidence = told.records["v-1@2026-11-02"].evidence
        return [one.detail for one in evidence if one.what == "check_in"]

    assert detail("fix", "mark") == detail("mark", "fix") == ["backed by phone"]
