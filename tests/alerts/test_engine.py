"""The engine's own promises: order, clock, timers, states. Shown with a rule made for it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Never

import pytest
from msgspec.structs import replace
from story import DAY, HOME, Story, button, caregiver, client, moment, phone, visit

from alerts.engine.engine import NOTHING, StateRow, World, state_names
from alerts.rule import (
    KEEP_TIMER,
    NO_TIMER,
    UNCHANGED,
    AnyRule,
    Change,
    Forget,
    Keep,
    Rule,
    RuleState,
    TimerChoice,
    Verdict,
)
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import PlanSet, Severity, Stored, Tick, TownChanged
from devices.directory import Directory, RegisterChange
from devices.readings import DeviceStatus

MINUTE = timedelta(minutes=1)
START = DAY


class Count(RuleState, frozen=True):
    n: int = 0


class Echo(Rule[Count, Parameters, DeviceStatus, Never]):
    """Says what has happened; asks to be woken `minutes` after each reading."""

    name = "echo"
    severity = Severity.LOW
    readings = (DeviceStatus,)
    settings = Parameters
    state = Count
    minutes = 10.0

    def route_reading(self, reading: DeviceStatus, town: Town) -> Iterable[str]:
        return (reading.device,)

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        return ("town",) if isinstance(change, TownChanged) else ()

    def on_reading(
        self, key: str, state: Count | None, reading: DeviceStatus, town: Town
    ) -> Verdict[Count]:
        return self._echo(key, state, "reading", town.now + self.minutes * MINUTE, town)

    def on_timer(self, key: str, state: Count, town: Town) -> Verdict[Count]:
        return self._echo(key, state, "timer", NO_TIMER, town)

    def on_change(
        self, key: str, state: Count | None, change: Change, town: Town
    ) -> Verdict[Count]:
        return self._echo(key, state, "change", NO_TIMER, town)

    def _echo(
        self, key: str, state: Count | None, what: str, timer: datetime | TimerChoice, town: Town
    ) -> Keep[Count]:
        n = (state.n if state else 0) + 1
        return Keep(Count(n), timer, (self.finding("raised", key, what, str(n), town=town),))


class Second(Echo):
    name = "second"


def world(*rules: AnyRule, **more: Any) -> World:
    return World.begin(Directory("Asia/Shanghai"), PlanSet(), rules=rules or (Echo(),), **more)


def beat(at: str, device: str = "d-1") -> Stored:
    now = moment(at)
    return Stored(1, DeviceStatus(device=device, id=at, observed_at=now, received_at=now))


def said(outcome: Any) -> list[tuple[str, str, str]]:
    return [
        (f"{found.at.astimezone(DAY.tzinfo):%H:%M}", found.rule, found.reason)
        for found in outcome.findings
    ]


def test_a_timer_fires_before_a_later_stimulus_and_after_one_of_the_same_moment() -> None:
    told = world()
    assert said(told.advance(beat("09:00"))) == [("09:00", "echo", "reading")]
    assert told.next_timer() == moment("09:10")
    assert said(told.advance(beat("09:10", "d-2"))) == [("09:10", "echo", "reading")]
    assert said(told.advance(Tick(moment("09:10")))) == []
    assert said(told.advance(Tick(moment("09:10:01")))) == [("09:10", "echo", "timer")]
    assert said(told.elapse(moment("09:20"))) == [("09:20", "echo", "timer")]
    assert told.next_timer() is None
    assert told.elapse(moment("23:00")) is NOTHING


def test_a_later_reading_moves_the_timer() -> None:
    told = world()
    for at in ("09:00", "09:05", "09:09"):
        told.advance(beat(at))
    assert told.next_timer() == moment("09:19")
    assert said(told.elapse(moment("10:00"))) == [("09:19", "echo", "timer")]


def test_timers_of_one_moment_fire_by_rule_and_key() -> None:
    told = world(Second(), Echo())
    for device in ("d-2", "d-1"):
        told.advance(beat("09:00", device))
    found = told.elapse(moment("09:10")).findings
    assert [(one.rule, one.subject) for one in found] == [
        ("echo", "d-1"),
        ("echo", "d-2"),
        ("second", "d-1"),
        ("second", "d-2"),
    ]


def test_the_clock_never_goes_back() -> None:
    told = world()
    told.advance(beat("09:00"))
    assert said(told.advance(beat("08:00", "d-2"))) == [("09:00", "echo", "reading")]
    assert told.clock == moment("09:00")


def test_states_come_back_as_they_were() -> None:
    told = world()
    told.advance(beat("09:00"))
    rows = told.take_dirty()
    assert [(row.rule, row.key, row.version, row.wake_at) for row in rows] == [
        ("echo", "d-1", 1, moment("09:10"))
    ]
    assert told.take_dirty() == []
    assert state_names((Echo(),)) == {"echo", "vitals"}
    again = world(states=rows, clock=told.clock)
    assert again.elapse(moment("09:10")) == told.elapse(moment("09:10"))
    assert [row.wake_at for row in again.take_dirty()] == [None]


def test_a_forgotten_state_is_a_row_without_a_body() -> None:
    class Forgetful(Echo):
        def on_reading(
            self, key: str, state: Count | None, reading: DeviceStatus, town: Town
        ) -> Verdict[Count]:
            return Forget() if state else Keep(Count(), town.now + MINUTE)

    told = world(Forgetful())
    told.advance(beat("09:00"))
    told.take_dirty()
    told.advance(beat("09:01"))
    assert [row.body for row in told.take_dirty()] == [b""]
    assert told.next_timer() is None


def test_states_of_another_version_are_left_out_and_named() -> None:
    told = world(states=[StateRow("echo", "d-1", 7, None, b"\x80")], clock=moment("09:00"))
    assert told.stale == {"echo"}
    assert said(told.advance(beat("09:00"))) == [("09:00", "echo", "reading")]


def test_a_changed_rule_learns_the_last_days_again() -> None:
    def lived(until: str) -> Story:
        story = Story(client("c-1"), caregiver("g-1"), phone("g-1"), visit("v-1"), button("c-1"))
        story.stays("g-1", HOME.north(5000), "08:30", "10:30", every=5)
        return story.at("12:00").press("btn-c-1").at(until)

    old, other = lived("12:30"), ("visit", "calendar", "visit_missed", "sos_pressed")
    rows = [
        replace(row, version=row.version + (row.rule in other)) for row in old.world.take_dirty()
    ]
    world = World.begin(
        old.directory, old.plans, states=rows, clock=old.world.clock, history=iter(old.stimuli)
    )
    assert world.stale == set(other)
    unchanged = lived("12:30")
    for story in (unchanged, old):
        story.told.clear()
    old.world = world
    for story in (unchanged, old):
        story.now = moment("12:31")
        story.stayed("g-1", HOME, "09:00", "10:00").at("+1 12:00")
    assert old.lines() == unchanged.lines()
    assert any("late_evidence" in line for line in old.lines())


def test_a_timer_of_a_visit_that_nobody_knows_any_more_is_forgotten() -> None:
    story = Story(client("c-1"), caregiver("g-1"), phone("g-1"), visit("v-1")).at("08:00")
    rows = [row for row in story.world.take_dirty() if row.rule == "visit_missed"]
    assert [row.wake_at for row in rows] == [moment("12:00")]
    alone = World.begin(Directory("Asia/Shanghai"), PlanSet(), states=rows, clock=moment("08:00"))
    assert alone.elapse(moment("13:00")) is NOTHING
    assert [row.body for row in alone.take_dirty() if row.rule == "visit_missed"] == [b""]


@pytest.mark.parametrize(
    ("verdict", "timer"),
    [
        (UNCHANGED, "09:10"),
        (Keep(Count(), KEEP_TIMER), "09:10"),
        (Keep(Count(), moment("09:07")), "09:07"),
        (Keep(Count(), moment("09:30")), "09:30"),
        (Keep(Count(), NO_TIMER), None),
        (Forget(), None),
    ],
)
def test_what_becomes_of_a_timer(verdict: Verdict[Count], timer: str | None) -> None:
    class Answering(Echo):
        def on_reading(
            self, key: str, state: Count | None, reading: DeviceStatus, town: Town
        ) -> Verdict[Count]:
            return verdict if state else super().on_reading(key, state, reading, town)

    told = world(Answering())
    told.advance(beat("09:00"))
    told.advance(beat("09:05"))
    assert told.next_timer() == (moment(timer) if timer else None)


def test_a_change_of_the_town_taken_in_twice_changes_nothing_more() -> None:
    story = Story(client("c-1"), visit("v-1"), only=("visit_missed",)).at("07:00")
    change = TownChanged(
        at=moment("08:00"),
        register=RegisterChange(devices=(phone("g-1"), button("c-1"))),
        plans=PlanSet(visits=(visit("v-2"),)),
    )
    first = story.world.advance(change)
    story.world.take_dirty()
    assert len(first.visits) == 1
    assert story.world.advance(change) is NOTHING


def test_the_same_stimuli_give_the_same_outcomes() -> None:
    def run() -> list[Any]:
        told = world(Second(), Echo())
        return [told.advance(beat(at, device)) for at in ("09:00", "09:30") for device in "ba"]

    assert run() == run()


def test_a_parameter_that_a_rule_does_not_have_is_named() -> None:
    story = Story(client("c-1"), button("c-1"), rules={"sos_pressed": {"join_minuts": 5}})
    with pytest.raises(
        Exception,
        match=r"unknown key 'join_minuts'; did you mean 'join_minutes'\?",
    ):
        story.at("09:00").press("btn-c-1")
