"""The engine: stimuli in arrival order go in, findings and visit records come out.

Pure in the sense that matters: no clock, no file, no database. The same stimuli give the same
outcomes in the same order, live, in a backtest and after a restart.

- A reading goes only to the rules that take its kind, and only for the keys they name.
- A rule sets timers. Timers older than a stimulus fire before it, ordered by time, rule and key;
  a timer and a stimulus of the same moment: the stimulus goes first.
- The clock is the latest moment so far and never goes back.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from alerts.engine.memory import Memories, Memory
from alerts.engine.memory import StateRow as StateRow
from alerts.rule import (
    UNCHANGED,
    AnyRule,
    Begun,
    Change,
    Forget,
    Keep,
    RuleEvent,
    TimerChoice,
    Verdict,
    is_written,
)
from alerts.rules import RULES
from alerts.town.heartbeats import Vitals
from alerts.town.town import Town
from alerts.types import Finding, PlanSet, Stimulus, Stored, TownChanged, VisitRecord
from devices.directory import Directory
from devices.readings import Reading


class Outputs(msgspec.Struct, frozen=True):
    """What followed from one stimulus, and from the timers that were due before it."""

    findings: tuple[Finding, ...] = ()
    visits: tuple[VisitRecord, ...] = ()


NOTHING = Outputs()
Router = Callable[[Any, Town], Iterable[str]]
Answerer = Callable[[str, Any, Any, Town], Verdict[Any]]
Routes = dict[type, tuple[tuple[Memory, Router, Answerer], ...]]  # bound once: the hot path


class World:
    """Everything the engine knows: the town, every rule's states, the timers and the clock."""

    def __init__(self, town: Town, rules: tuple[AnyRule, ...]) -> None:
        """Make a world in which nothing has happened; `begin` makes one that can be used."""
        self.town = town
        self.clock: datetime | None = None  # None until it has begun
        self.stale: frozenset[str] = frozenset()  # rules whose saved states were of another version
        self._memories = Memories(rules)
        self._is_vital = any(rule.vital for rule in rules)
        self._findings: list[Finding] = []
        self._events = self._event_routes()
        self._reroute()

    @classmethod
    def begin(
        cls,
        directory: Directory,
        plans: PlanSet,
        *,
        timezone: str | None = None,
        rules: tuple[AnyRule, ...] = RULES,
        states: Iterable[StateRow] = (),
        clock: datetime | None = None,
        hindsight: bool = True,
        history: Iterable[Stimulus] = (),
    ) -> "World":
        """Return a world that knows this town and remembers what was saved.

        `states` and `clock` are those saved before a restart; the states are all rows under
        `state_names(rules)`. Without a clock it begins at the first stimulus. What is already
        true then comes out of the first `advance` or `elapse`.

        A recording is judged with `hindsight`: the day's visits that were over at its first row
        too. Live it is off: a service that starts at noon heard nothing of the morning.

        States of another version of their rule are left out and the rule is named in `stale`: it
        walks `history` instead, the last days' stimuli up to `clock`, and comes to where it would
        be had it been there. What it would have found counts as found. `history` is not touched
        otherwise.
        """
        town = Town(directory, plans, timezone or directory.timezone)
        town.hindsight = hindsight
        world = cls(town, with_needs(rules))
        clock = clock.astimezone(UTC) if clock is not None else None  # as read, it is a session's
        world.clock = clock
        world._restore(states)
        if world.stale:
            world._relearn(history)
        if clock is not None:
            world._start(clock)
        return world

    def advance(self, stimulus: Stimulus) -> Outputs:
        """Take in one stimulus in arrival order, timers due before it first."""
        # Most stimuli are readings, and asking a property costs: this is the hot path.
        moment = stimulus.reading.received_at if isinstance(stimulus, Stored) else stimulus.moment
        if self.clock is None:
            self._start(moment)
        if self._memories.is_due(moment):
            self._fire(moment, inclusive=False)
        assert self.clock is not None
        if moment > self.clock:
            self.clock = moment
        self.town.now = self.clock
        if isinstance(stimulus, Stored):
            self._hear(stimulus.reading)
        elif isinstance(stimulus, TownChanged):
            self._change(stimulus, moment)
        return self._take_outputs()

    def elapse(self, until: datetime) -> Outputs:
        """Let time pass: fire every timer due by `until`, that moment included.

        For the end of a backtest. Live, advance with a `Tick` at the feed's horizon: a timer at
        that very moment waits, since a stimulus of the same moment may still come and goes first.
        """
        if self.clock is None:
            self._start(until)
        self._fire(until, inclusive=True)
        self.town.now = self.clock = max(until, self.clock or until)
        return self._take_outputs()

    def next_timer(self) -> datetime | None:
        """Return when the next timer is due, or None if none is set."""
        return self._memories.next_timer()

    def take_dirty(self) -> list[StateRow]:
        """Return the states that changed since the last call, by rule and key."""
        vitals = self.town.vitals.take_dirty()
        rows = [StateRow(Vitals.name, key, 1, None, body) for key, body in vitals]
        return rows + self._memories.take_dirty()

    # ------------------------------------------------------------ what a stimulus does

    def _hear(self, reading: Reading) -> None:
        """Hand a reading to the rules that take it; of a calm device, only where it may be news."""
        town = self.town
        is_calm = self._is_vital and town.vitals.note(reading, town.now)
        routes = self._calm_readings if is_calm else self._readings
        is_news = False
        for memory, route, on_reading in routes.get(type(reading), ()):
            for key in route(reading, town):
                verdict = on_reading(key, memory.states.get(key), reading, town)
                if verdict is not UNCHANGED:
                    is_news = is_news or memory.is_vital
                    self._apply(memory, key, verdict)
        if self._is_vital and not is_calm and not is_news:
            town.vitals.calm(reading, town.now)

    def _change(self, change: TownChanged, moment: datetime) -> None:
        """Take in a change of the town and let the rules look again at whom it concerns."""
        self.town.changed(change)
        self._reroute()
        self.town.vitals.stir_all(self.town.now)
        self._reconsider(change)
        self._fire(moment, inclusive=False)

    def _start(self, moment: datetime) -> None:
        """Begin at a moment: raise what is already true, fire older timers at their own time."""
        self.town.now = moment
        self._reconsider(Begun())
        self._fire(moment, inclusive=False)
        self.clock = moment

    def _reconsider(self, change: Change) -> None:
        """Let every rule look again at the keys that a change concerns."""
        town = self.town
        for memory in self._memories.by_rule.values():
            rule = memory.rule
            if is_written(type(rule), "on_change"):
                for key in sorted(rule.route_change(change, town)):
                    verdict = rule.on_change(key, memory.states.get(key), change, town)
                    self._follow(memory, key, verdict)

    def _fire(self, until: datetime, *, inclusive: bool) -> None:
        """Fire the timers due before `until`, or at it too."""
        while (due := self._memories.due(until, inclusive=inclusive)) is not None:
            memory, key, at = due
            moment = at if self.clock is None else max(at, self.clock)
            self.town.now = moment
            if self.clock is not None:
                self.clock = moment
            verdict = memory.rule.on_timer(key, memory.states[key], self.town)
            if isinstance(verdict, Keep) and is_due_already(verdict.timer, moment):
                raise ValueError(f"{memory.rule.name} would be woken for ever at {moment}")
            self._follow(memory, key, verdict)

    def _follow(self, memory: Memory, key: str, verdict: Verdict[Any]) -> None:
        """Apply a verdict, unless nothing follows."""
        if verdict is not UNCHANGED:
            self._apply(memory, key, verdict)

    def _apply(self, memory: Memory, key: str, verdict: Keep[Any] | Forget) -> None:
        """Remember a verdict, put its findings out and send its events."""
        self._memories.apply(memory, key, verdict)
        if memory.is_vital:
            self.town.vitals.stir(key, self.town.directory)
        if verdict.findings:
            self._findings.extend(verdict.findings)
        for event in verdict.events:
            self._send(event)

    def _send(self, event: RuleEvent) -> None:
        """Enter an event into the town and hand it to the rules that hear it."""
        event.enter(self.town)
        for memory, route, on_event in self._events.get(type(event), ()):
            for key in route(event, self.town):
                self._follow(memory, key, on_event(key, memory.states.get(key), event, self.town))

    def _take_outputs(self) -> Outputs:
        """Return what was found and concluded since the last call."""
        visits = self.town.visit_index.concluded
        if not self._findings and not visits:
            return NOTHING
        outputs = Outputs(tuple(self._findings), tuple(visits))
        self._findings.clear()
        visits.clear()
        return outputs

    # ------------------------------------------------------------ who hears what

    def _reroute(self) -> None:
        """Work out, for the town as it is, which readings go to which rules."""
        rules = [memory.rule for memory in self._memories.by_rule.values()]
        self._readings = self._reading_routes(calm=False)
        self._calm_readings = self._reading_routes(calm=True)
        self.town.vitals.watch(max((rule.battery_watched(self.town) for rule in rules), default=0))

    def _reading_routes(self, *, calm: bool) -> Routes:
        """Return who takes which readings; of `calm` devices, whom they may be news to."""
        return by_kind(
            (kind, memory, memory.rule.route_reading, memory.rule.on_reading)
            for memory in self._memories.by_rule.values()
            for kind in memory.rule.readings
            if not (calm and kind in memory.rule.vital) and memory.rule.listens(kind, self.town)
        )

    def _event_routes(self) -> Routes:
        """Return who hears which events."""
        return by_kind(
            (kind, memory, memory.rule.route_event, memory.rule.on_event)
            for memory in self._memories.by_rule.values()
            for kind in memory.rule.events
        )

    # ------------------------------------------------------------ how it comes to be

    def _restore(self, rows: Iterable[StateRow]) -> None:
        """Take in the saved states; name in `stale` the rules of which some are left out."""
        stale: set[str] = set()
        for row in rows:
            if row.rule == Vitals.name:
                self.town.vitals.restore(row.key, row.body)
            elif not self._memories.restore(row):
                stale.add(row.rule)
        self.stale = frozenset(stale)
        self._enter_states()

    def _relearn(self, history: Iterable[Stimulus]) -> None:
        """Walk the last days for the rules whose states were of another version, in silence."""
        memories = self._memories.by_rule
        rules = tuple(memory.rule for name, memory in memories.items() if name in self.stale)
        town = self.town
        past = World.begin(town.directory, town.plans(), timezone=town.zone.key, rules=rules)
        for stimulus in history:
            past.advance(stimulus)
        if self.clock is not None and past.clock is not None:
            past._fire(self.clock, inclusive=False)
        for rule in rules:
            self._memories.adopt(past._memories.by_rule[rule.name])
        self._enter_states()

    def _enter_states(self) -> None:
        """Make what the rules remember part of the town, where it belongs there."""
        for memory in self._memories.by_rule.values():
            memory.rule.enter(memory.states, self.town)


def is_due_already(timer: datetime | TimerChoice, moment: datetime) -> bool:
    """Return True for a time that is no later than a moment."""
    return isinstance(timer, datetime) and timer <= moment


def by_kind(entries: Iterable[tuple[type, Memory, Router, Answerer]]) -> Routes:
    """Return the entries by the kind of what they take, in their order."""
    found: Routes = {}
    for kind, memory, route, answer in entries:
        found[kind] = (*found.get(kind, ()), (memory, route, answer))
    return found


def with_needs(rules: Iterable[AnyRule]) -> tuple[AnyRule, ...]:
    """Return the rules, each behind those it needs."""
    found: dict[str, AnyRule] = {}
    for rule in rules:
        for needed in with_needs(rule.needs):
            found.setdefault(needed.name, needed)
    return tuple({**found, **{rule.name: rule for rule in rules}}.values())


def state_names(rules: tuple[AnyRule, ...]) -> set[str]:
    """Return the names under which these rules, and those they need, save their states."""
    return {Vitals.name, *(rule.name for rule in with_needs(rules))}
