"""The contract of a rule can't be misused: what is left unsaid is refused where it is written."""

from collections.abc import Iterable
from typing import Any, Never, get_args, get_origin

import pytest
from story import moment
from test_engine import Count, Echo, beat, world

from alerts.engine.engine import with_needs
from alerts.rule import (
    KEEP_TIMER,
    UNCHANGED,
    AnyRule,
    Change,
    Keep,
    Rule,
    RuleEvent,
    Verdict,
)
from alerts.rules import RULES
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from devices.readings import DeviceStatus


class Rang(RuleEvent, frozen=True):
    """A bell was heard."""


class Silent(Rule[Count, Parameters, DeviceStatus, Rang]):
    """A rule that does nothing at all."""


def test_a_verdict_says_what_becomes_of_the_timer() -> None:
    with pytest.raises(TypeError, match="timer"):
        Keep(Count())  # type: ignore[call-arg]


def test_readings_without_an_answer_are_refused() -> None:
    with pytest.raises(TypeError, match=r"Deaf: route_reading and on_reading .* `readings`"):

        class Deaf(Silent):
            readings = (DeviceStatus,)

            def route_reading(self, reading: DeviceStatus, town: Town) -> Iterable[str]:
                return (reading.device,)


def test_an_answer_to_readings_that_are_not_named_is_refused() -> None:
    with pytest.raises(TypeError, match="Unasked: route_reading"):

        class Unasked(Silent):
            def route_reading(self, reading: DeviceStatus, town: Town) -> Iterable[str]:
                return (reading.device,)

            def on_reading(
                self, key: str, state: Count | None, reading: DeviceStatus, town: Town
            ) -> Verdict[Count]:
                return UNCHANGED


def test_events_without_an_answer_are_refused() -> None:
    with pytest.raises(TypeError, match="Deaf: route_event"):

        class Deaf(Silent):
            events = (Rang,)


def test_changes_without_an_answer_are_refused() -> None:
    with pytest.raises(TypeError, match="Deaf: route_change"):

        class Deaf(Silent):
            def route_change(self, change: Change, town: Town) -> Iterable[str]:
                return ("town",)


class Timeless(Rule[Count, Parameters, DeviceStatus, Never]):
    """Takes readings and has no answer to a timer."""

    name = "timeless"
    severity = Echo.severity
    readings = (DeviceStatus,)
    settings = Parameters
    state = Count
    timer: Any = moment("09:10")

    def route_reading(self, reading: DeviceStatus, town: Town) -> Iterable[str]:
        return (reading.device,)

    def on_reading(
        self, key: str, state: Count | None, reading: DeviceStatus, town: Town
    ) -> Verdict[Count]:
        return Keep(Count(), self.timer)


def test_a_timer_that_nobody_answers_is_refused_when_it_is_set() -> None:
    with pytest.raises(TypeError, match="timeless has no on_timer"):
        world(Timeless()).advance(beat("09:00"))


@pytest.mark.parametrize("timer", [None, 10, "09:10"])
def test_a_timer_that_is_no_time_is_refused(timer: Any) -> None:
    class Vague(Timeless):
        def on_timer(self, key: str, state: Count, town: Town) -> Verdict[Count]:
            return UNCHANGED

    Vague.timer = timer
    with pytest.raises(TypeError, match=r"timeless .* is no time"):
        world(Vague()).advance(beat("09:00"))


def test_an_answer_that_says_nothing_is_refused() -> None:
    class Mute(Timeless):
        def on_reading(  # type: ignore[override]
            self, key: str, state: Count | None, reading: DeviceStatus, town: Town
        ) -> None:
            return None

    with pytest.raises(AttributeError):
        world(Mute()).advance(beat("09:00"))


@pytest.mark.parametrize("again", ["09:10", "09:05"])
def test_a_timer_that_would_fire_for_ever_is_refused(again: str) -> None:
    class Restless(Timeless):
        def on_timer(self, key: str, state: Count, town: Town) -> Verdict[Count]:
            return Keep(state, moment(again))

    told = world(Restless())
    told.advance(beat("09:00"))
    with pytest.raises(ValueError, match="timeless would be woken for ever"):
        told.elapse(moment("09:20"))


def test_a_rule_without_timers_keeps_its_state() -> None:
    class Keeping(Timeless):
        timer = KEEP_TIMER

    told = world(Keeping())
    told.advance(beat("09:00"))
    assert [row.wake_at for row in told.take_dirty()] == [None]


@pytest.mark.parametrize("rule", with_needs(RULES), ids=lambda rule: rule.name)
def test_what_a_rule_declares_is_what_its_types_say(rule: AnyRule) -> None:
    state, settings, *_ = get_args(type(rule).__orig_bases__[0])  # type: ignore[attr-defined]
    assert (rule.state, rule.settings) == (state, settings)
    bases = (base for one in type(rule).__mro__ for base in getattr(one, "__orig_bases__", ()))
    readings, events = next(get_args(base)[2:] for base in bases if get_origin(base) is Rule)
    assert set(rule.readings) == kinds(readings)
    assert set(rule.events) == kinds(events)
    assert set(rule.vital) <= set(rule.readings)


def kinds(type_: Any) -> set[type]:
    """The types that a type parameter stands for."""
    return set() if type_ is Never else set(get_args(type_)) or {type_}
