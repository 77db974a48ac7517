"""The engine's own promises: order, clock, timers, states. RuleEvent with a rule made for it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from story import DAY, HOME, Story, button, caregiver, client, moment, phone, visit

from alerts.engine.engine import NOTHING, StateRow, World, advance, begin, elapse, state_names
from alerts.rule import STANDS, Begun, Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import PlanSet, Severity, Stored, Tick, TownChanged
from devices.directory import Directory, RegisterChange
from devices.readings import DeviceStatus, Reading

MINUTE = timedelta(minutes=1)
START = DAY


class Count(RuleState, frozen=True):
    n: int = 0


class Echo(Rule[Count, Parameters]):
    """Says what it felt; asks to be woken `minutes` after each reading."""

    name = "echo"
    severity = Severity.LOW
    wants = (DeviceStatus,)
    settings = Parameters
    state = Count
    minutes = 10.0

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        return (said.device,) if isinstance(said, DeviceStatus) else ()

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        return ("town",) if isinstance(change, TownChanged) else ()

    def step(self, key: str, state: Count | None, felt: Felt, town: Town) -> Verdict | None:
        n = (state.n if state else 0) + 1
        found = self.finding("raised", key, type(felt).__name__.lower(), str(n), town=town)
        wake_at = town.now + self.minutes * MINUTE if isinstance(felt, Stored) else None
        return Verdict(Count(n), (found,), wake_at)


class Second(Echo):
    name = "second"


def world(*rules: Rule[Any, Any], **more: Any) -> World:
    return begin(Directory("Asia/Shanghai"), PlanSet(), rules=rules or (Echo(),), **more)


def beat(at: str, device: str = "d-1") -> Stored:
    now = moment(at)
    return Stored(1, DeviceStatus(device=device, id=at, observed_at=now, received_at=now))


def said(outcome: Any) -> list[tuple[str, str, str]]:
    return [
        (f"{found.at.astimezone(DAY.tzinfo):%H:%M}", found.rule, found.reason)
        for found in outcome.findings
    ]


def test_a_wish_is_granted_before_a_later_stimulus_and_after_one_of_the_same_moment() -> None:
    told = world()
    assert said(advance(told, beat("09:00"))) == [("09:00", "echo", "stored")]
    assert told.next_wake() == moment("09:10")
    assert said(advance(told, beat("09:10", "d-2"))) == [("09:10", "echo", "stored")]
    assert said(advance(told, Tick(moment("09:10")))) == []
    assert said(advance(told, Tick(moment("09:10:01")))) == [("09:10", "echo", "tick")]
    assert said(elapse(told, moment("09:20"))) == [("09:20", "echo", "tick")]
    assert told.next_wake() is None
    assert elapse(told, moment("23:00")) is NOTHING


def test_a_later_reading_moves_the_wish() -> None:
    told = world()
    for at in ("09:00", "09:05", "09:09"):
        advance(told, beat(at))
    assert told.next_wake() == moment("09:19")
    assert said(elapse(told, moment("10:00"))) == [("09:19", "echo", "tick")]


def test_wishes_of_one_moment_come_by_rule_and_key() -> None:
    told = world(Second(), Echo())
    for device in ("d-2", "d-1"):
        advance(told, beat("09:00", device))
    found = elapse(told, moment("09:10")).findings
    assert [(one.rule, one.subject) for one in found] == [
        ("echo", "d-1"),
        ("echo", "d-2"),
        ("second", "d-1"),
        ("second", "d-2"),
    ]


def test_the_clock_never_goes_back() -> None:
    told = world()
    advance(told, beat("09:00"))
    assert said(advance(told, beat("08:00", "d-2"))) == [("09:00", "echo", "stored")]
    assert told.clock == moment("09:00")


def test_states_come_back_as_they_were() -> None:
    told = world()
    advance(told, beat("09:00"))
    rows = told.take_dirty()
    assert [(row.rule, row.key, row.version, row.wake_at) for row in rows] == [
        ("echo", "d-1", 1, moment("09:10"))
    ]
    assert told.take_dirty() == []
    assert state_names((Echo(),)) == {"echo", "vitals"}
    again = world(states=rows, clock=told.clock)
    assert elapse(again, moment("09:10")) == elapse(told, moment("09:10"))
    assert [row.wake_at for row in again.take_dirty()] == [None]


def test_a_forgotten_state_is_a_row_without_a_body() -> None:
    class Forgetful(Echo):
        def step(self, key: str, state: Any, felt: Felt, town: Town) -> Verdict | None:
            return Verdict(None) if state else Verdict(Count())

    told = world(Forgetful())
    advance(told, beat("09:00"))
    told.take_dirty()
    advance(told, beat("09:01"))
    assert [row.body for row in told.take_dirty()] == [b""]


def test_states_of_another_version_are_left_out_and_named() -> None:
    told = world(states=[StateRow("echo", "d-1", 7, None, b"\x80")], clock=moment("09:00"))
    assert told.stale == {"echo"}
    assert said(advance(told, beat("09:00"))) == [("09:00", "echo", "stored")]


def test_a_changed_rule_learns_the_last_days_again() -> None:
    def lived(until: str) -> Story:
        story = Story(client("c-1"), caregiver("g-1"), phone("g-1"), visit("v-1"), button("c-1"))
        story.stays("g-1", HOME.north(5000), "08:30", "10:30", every=5)
        return story.at("12:00").press("btn-c-1").at(until)

    old, other = lived("12:30"), ("visit", "calendar", "visit_missed", "sos_pressed")
    rows = [
        replace(row, version=row.version + (row.rule in other)) for row in old.world.take_dirty()
    ]
    world = begin(
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


def test_a_wish_can_be_left_as_it_stands() -> None:
    class Patient(Echo):
        def step(self, key: str, state: Any, felt: Felt, town: Town) -> Verdict | None:
            verdict = super().step(key, state, felt, town)
            assert verdict is not None
            return Verdict(verdict.state, wake_at=STANDS) if state else verdict

    told = world(Patient())
    advance(told, beat("09:00"))
    advance(told, beat("09:05"))
    assert told.next_wake() == moment("09:10")


def test_a_change_of_the_town_taken_in_twice_changes_nothing_more() -> None:
    story = Story(client("c-1"), visit("v-1"), only=("visit_missed",)).at("07:00")
    change = TownChanged(
        at=moment("08:00"),
        register=RegisterChange(devices=(phone("g-1"), button("c-1"))),
        plans=PlanSet(visits=(visit("v-2"),)),
    )
    first = advance(story.world, change)
    story.world.take_dirty()
    assert len(first.visits) == 1
    assert advance(story.world, change) is NOTHING


def test_the_same_stimuli_give_the_same_outcomes() -> None:
    def run() -> list[Any]:
        told = world(Second(), Echo())
        return [advance(told, beat(at, device)) for at in ("09:00", "09:30") for device in "ba"]

    assert run() == run()


def test_a_parameter_that_a_rule_does_not_have_is_named() -> None:
    story = Story(client("c-1"), button("c-1"), rules={"sos_pressed": {"join_minuts": 5}})
    with pytest.raises(
        Exception,
        match=r"unknown key 'join_minuts'; did you mean 'join_minutes'\?",
    ):
        story.at("09:00").press("btn-c-1")
