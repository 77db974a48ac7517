"""Strategies: what may happen in a small town on any day, step by step."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from alerts.types import (
    Contact,
    Ladder,
    LadderFor,
    PlannedVisit,
    PlanSet,
    Rung,
    Severity,
    Staff,
    TownChanged,
    Zone,
)
from devices.directory import Circle, Device
from devices.readings import DeviceStatus, DoorMoved, Position, SosPressed, VisitMarked
from tests.alerts.story import (
    HOME,
    TownItem,
    area,
    button,
    caregiver,
    client,
    door,
    moment,
    phone,
    replace,
    town_of,
    visit,
)

MINUTE = timedelta(minutes=1)
START = moment("08:00")
SPOTS = (HOME, HOME.north(90), HOME.north(3_000))
PEOPLE = tuple(
    Staff(
        id=f"u-{n}",
        role="on_call",
        contacts=tuple(Contact(channel=f"webhook://h/{n}{m}") for m in "ab"),
    )
    for n in (1, 2)
)
RUNGS = (Rung(after=0, page=("u-1",)), Rung(after=180, page=("u-2",)))
LADDERS = (
    Ladder(id="life", for_=LadderFor(severities=(Severity.LIFE,)), rungs=RUNGS, repeat=60),
    Ladder(id="others", rungs=RUNGS),
)
TAG = Device(id="tag-1", kind="sensor", holder="client:c-1")
ZONE = Zone(
    id="z-1",
    owner="client:c-1",
    rule="keep_in",
    circle=Circle(lat=HOME.lat, lon=HOME.lon, radius=200),
)
SETTINGS: tuple[dict[str, dict[str, object]], ...] = (
    {},
    {"visit_missed": {"grace_minutes": 5}, "device_silent": {"minutes": {"door": 20}}},
    {"door_left_open": {"minutes": 10}, "visit_late": {"after_minutes": 5}},
    {"no_activity": {"hours": 1}, "area_outage": {"devices": 2}},
)


def first_town() -> TownChanged:
    """Two neighbours, two caregivers, a fence, and two visits this morning."""
    items: tuple[TownItem, ...] = (
        area("w"),
        client("c-1", area="w"),
        client("c-2", HOME.north(70), area="w"),
        caregiver("g-1"),
        caregiver("g-2"),
        phone("g-1"),
        phone("g-2"),
        button("c-1"),
        door("c-1"),
        door("c-2"),
        TAG,
        ZONE,
        visit("v-1", "08:20", "09:20", 30),
        visit("v-2", "08:40", "10:00", 30, client="c-2", caregiver="g-2"),
    )
    register, plans = town_of(items, SETTINGS[1])
    more = PlanSet(
        zones=plans.zones, visits=plans.visits, rules=plans.rules, people=PEOPLE, ladders=LADDERS
    )
    return TownChanged(at=START, register=register, plans=more)


def later_town(what: str, number: int, now: datetime) -> TownChanged:
    """A change of that town."""
    items: tuple[TownItem, ...] = ()
    gone: dict[str, tuple[str, ...]] = {}
    rules = None
    if what == "settings":
        rules = SETTINGS[number]
    elif what == "visit":
        start = now + number * 10 * MINUTE
        times: dict[str, Any] = {"start": start, "end": start + 40 * MINUTE, "minutes": 20}
        items = (PlannedVisit(id=f"v-{number}", client="c-1", caregiver="g-2", **times),)
    elif what == "no visit":
        gone = {"visits": (f"v-{number}",)}
    elif what == "no door":
        gone = {"devices": ("door-c-2",)}
    elif what == "door":
        items = (door("c-2", maintenance=number == 0),)
    elif what == "home":
        items = (client("c-1", SPOTS[number % 3], area="w"),)
    register, plans = town_of(items, rules)
    if what == "no visit":
        plans = replace(plans, gone)
    elif what == "no door":
        register = replace(register, gone)
    return TownChanged(at=now, register=register, plans=plans)


# ---------------------------------------------------------------- the steps

trackers = st.sampled_from(("phone-g-1", "phone-g-2", "tag-1"))
doors = st.sampled_from(("door-c-1", "door-c-2"))
delays = st.sampled_from((0, 0, 0, 0, 5, 45))  # minutes between saying and hearing
waits = st.sampled_from((0.5, 1, 2, 2, 5, 15, 40))  # minutes
words = st.sampled_from(("acknowledge", "resolve", "note", "escalate", "mute", "unmute", "fail"))
changes = st.sampled_from(("settings", "visit", "no visit", "no door", "door", "home"))
deaths = st.sampled_from(("killed", "killed before commit", "lost"))
BODIES: dict[type, dict[str, st.SearchStrategy[Any]]] = {
    DoorMoved: {
        "device": doors,
        "open": st.booleans(),
        "battery": st.sampled_from((None, 5.0, 90.0)),
    },
    SosPressed: {"device": st.just("btn-c-1"), "press": st.sampled_from(("short", "test"))},
    DeviceStatus: {"device": doors, "online": st.booleans()},
    VisitMarked: {
        "device": trackers,
        "action": st.sampled_from(("check_in", "check_out")),
        "client": st.sampled_from(("c-1", "c-2")),
    },
    Position: {
        "device": trackers,
        "lat": st.sampled_from([spot.lat for spot in SPOTS]),
        "lon": st.just(HOME.lon),
        "accuracy": st.sampled_from((10.0, 60.0, None)),
    },
}
said = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just(kind), "late": delays, "id": st.integers(0, 400).map(str), **body}
    )
    for kind, body in BODIES.items()
)
stays = st.tuples(st.just("stay"), trackers, st.sampled_from(SPOTS), st.integers(2, 15), delays)
looks = st.tuples(st.just("look"), st.booleans())
steps = st.one_of(
    st.tuples(st.just("say"), st.lists(said, min_size=1, max_size=6)),
    stays,
    stays,
    st.tuples(st.just("wait"), waits),
    st.tuples(st.just("tell"), words, st.integers(0, 9)),
    st.tuples(st.just("change"), changes, st.integers(0, 3)),
    looks,
    looks,
    st.tuples(st.just("restart"), deaths),
)
days = st.lists(steps, min_size=20, max_size=60)
