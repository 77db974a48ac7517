"""The town as it was, from the town as it is and what was said of it since."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from story import DAY, area, client, door, town_of, visit

from alerts.plans.undoing import undo, undoing
from alerts.town.town import Town
from alerts.types import Ladder, PlanSet, TownChanged
from devices.directory import Directory, RegisterChange

ZONES = ("Asia/Shanghai", "Asia/Urumqi", None, None)


def at(n: int) -> datetime:
    return DAY + timedelta(hours=n)


def town_after(*towns: TownChanged, directory: Directory | None = None) -> Town:
    """What a town is after these changes."""
    town = Town(directory or Directory(), PlanSet(), "Asia/Shanghai")
    for change in towns:
        town.changed(change)
    return town


def facts(town: Town) -> Any:
    """All that matters of a town."""
    directory = town.directory
    return (
        {item.id: item for item in directory.clients},
        {item.id: item for item in directory.devices},
        {item.id: directory.held_by(f"client:{item.id}") for item in directory.clients},
        {visit.id: visit for visit in town.plans().visits},
        town.plans().rules,
        town.zone.key,
    )


items = st.sampled_from(
    (
        client("c-1"),
        client("c-1", care_level="full"),
        client("c-2"),
        door("c-1"),
        door("c-1", maintenance=True),
        visit("v-1"),
        visit("v-1", minutes=30),
        visit("v-2"),
    )
)
gone = st.sampled_from(({}, {}, {"clients": ("c-1",)}, {"devices": ("door-c-1",)}))
rules = st.sampled_from((None, None, {}, {"visit_late": {"after_minutes": 5}}))


@st.composite
def changes(draw: st.DrawFn) -> TownChanged:
    chosen = {item.id: item for item in draw(st.lists(items, max_size=3))}
    register, plans = town_of(tuple(chosen.values()), draw(rules))
    fields = {name: getattr(register, name) for name in register.__struct_fields__}
    register = RegisterChange(**{**fields, "removed": draw(gone)})
    return TownChanged(
        at=DAY, timezone=draw(st.sampled_from(ZONES)), register=register, plans=plans
    )


@given(st.lists(changes(), max_size=4), st.lists(changes(), max_size=4))
def test_taking_back_what_was_said_later_gives_what_was_before(
    earlier: list[TownChanged], later: list[TownChanged]
) -> None:
    town = town_after(*earlier, *later)
    undo(town, later, earlier)
    assert facts(town) == facts(town_after(*earlier))


def test_what_no_change_ever_spoke_of_stays() -> None:
    by_hand = Directory().changed(RegisterChange(devices=(door("c-9"),)))
    change = TownChanged(at=at(1), register=RegisterChange(clients=(client("c-1"),)))
    town = town_after(change, directory=by_hand)
    undo(town, [change], [])
    assert [device.id for device in town.directory.devices] == ["door-c-9"]
    assert list(town.directory.clients) == []


def test_the_order_of_ladders_comes_back() -> None:
    first, second = Ladder(id="a"), Ladder(id="b")
    gone = {"ladders": ("a", "b")}
    earlier = [
        TownChanged(at=at(1), plans=PlanSet(ladders=(first, second))),
        TownChanged(at=at(2), plans=PlanSet(ladders=(second, first), removed=gone)),
    ]
    later = [TownChanged(at=at(3), plans=PlanSet(ladders=(first, second), removed=gone))]
    assert undoing(later, earlier).plans.ladders == (second, first)
    assert undoing(later, earlier).plans.removed == gone


def test_settings_that_were_never_set_are_unset() -> None:
    change = TownChanged(at=at(1), plans=PlanSet(rules={"visit_late": {"after_minutes": 5}}))
    town = town_after(change)
    undo(town, [change], [TownChanged(at=at(0), register=RegisterChange(areas=(area("w"),)))])
    assert town.plans().rules == {}
