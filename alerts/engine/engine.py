"""The engine: stimuli in arrival order go in, findings and visit records come out.

Pure in the sense that matters: no clock, no file, no database. The same stimuli give the same
outcomes in the same order, live, in a backtest and after a restart.

- A reading goes only to the rules that want its kind, and only for the keys they name.
- A rule's `wake_at` is a timer. Timers older than a stimulus fire before it, ordered by
  time, rule and key; a timer and a stimulus of the same moment: the stimulus goes first.
- The clock is the latest moment so far and never goes back.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from alerts.engine.memory import AnyRule as AnyRule
from alerts.engine.memory import Memories, Memory
from alerts.engine.memory import StateRow as StateRow
from alerts.rule import Begun, Felt, RuleEvent, Verdict
from alerts.rules import RULES
from alerts.town.town import Town
from alerts.types import (
    Finding,
    PlanSet,
    Stimulus,
    Stored,
    Tick,
    TownChanged,
    VisitRecord,
)
from alerts.visits.book import VISIT_BOOK, VisitForgotten, VisitSeen, VisitState
from alerts.visits.calendar import CALENDAR
from devices.directory import Directory

FOUNDATION: tuple[AnyRule, ...] = (CALENDAR, VISIT_BOOK)  # what the rules on visits stand on
VITALS = "vitals"  # the rows of town.vitals


class Outputs(msgspec.Struct, frozen=True):
    """What followed from one stimulus, and from the timers that were due before it."""

    findings: tuple[Finding, ...] = ()
    visits: tuple[VisitRecord, ...] = ()


NOTHING = Outputs()
Route = tuple[Memory, Callable[..., Iterable[str]], Callable[..., Verdict | None]]


class World:
    """Everything the engine knows: the town, every rule's states, the timers and the clock."""

    def __init__(self, town: Town, rules: tuple[AnyRule, ...]) -> None:
        self.town = town
        self.clock: datetime | None = None  # None until it has begun
        self.stale: frozenset[str] = frozenset()  # rules whose saved states were of another version
        self._memories = Memories(rules)
        self._reroute()
        self._is_vital = any(rule.vital for rule in rules)
        self._findings: list[Finding] = []
        self._visits: list[VisitRecord] = []

    def next_wake(self) -> datetime | None:
        """When the next timer is due. None: nothing is waited for."""
        return self._memories.next_wake()

    def take_dirty(self) -> list[StateRow]:
        """The states that changed since it was last asked, by rule and key."""
        vitals = self.town.vitals.take_dirty()
        rows = [StateRow(VITALS, key, 1, None, body) for key, body in vitals]
        return rows + self._memories.take_dirty()

    # ------------------------------------------------------------ what a stimulus does

    def _hear(self, stored: Stored) -> None:
        """The hot path: a reading to the rules that want it, or to those it may be news to."""
        reading, town = stored.reading, self.town
        is_calm = self._is_vital and town.vitals.note(reading, town.now)
        routes = self._keen if is_calm else self._routes
        is_news = False
        for memory, route, step in routes.get(type(reading), ()):
            for key in route(reading, town):
                verdict = step(key, memory.states.get(key), stored, town)
                if verdict is not None:
                    is_news = is_news or memory.is_vital
                    self._apply(memory, key, verdict)
        if self._is_vital and not is_calm and not is_news:
            town.vitals.calm(reading, town.now)

    def _change(self, change: TownChanged, moment: datetime) -> None:
        self.town.changed(change)
        self._reroute()
        self.town.vitals.stir_all(self.town.now)
        self._reconsider(change)
        self._fire(moment, inclusive=False)

    def _start(self, moment: datetime) -> None:
        """The first moment: what is already true is raised, timers before it at their own time."""
        self.town.now = moment
        self._reconsider(Begun(moment))
        self._fire(moment, inclusive=False)
        self.clock = moment

    def _reconsider(self, change: TownChanged | Begun) -> None:
        for memory in self._memories.by_rule.values():
            for key in sorted(memory.rule.affected(change, self.town)):
                self._step(memory, key, change)

    def _fire(self, until: datetime, *, inclusive: bool) -> None:
        """Fire the timers due before `until`, or at it too."""
        while (due := self._memories.due(until, inclusive=inclusive)) is not None:
            memory, key, at = due
            moment = at if self.clock is None else max(at, self.clock)
            self.town.now = moment
            if self.clock is not None:
                self.clock = moment
            self._step(memory, key, Tick(moment))

    def _step(self, memory: Memory, key: str, felt: Felt) -> None:
        verdict = memory.rule.step(key, memory.states.get(key), felt, self.town)
        if verdict is not None:
            self._apply(memory, key, verdict)

    def _apply(self, memory: Memory, key: str, verdict: Verdict) -> None:
        self._memories.keep(memory, key, verdict)
        if memory.is_vital:
            self.town.vitals.stir(key, self.town.directory)
        if verdict.findings:
            self._findings.extend(verdict.findings)
        for told in verdict.tells:
            self._tell(told)

    def _tell(self, told: RuleEvent) -> None:
        if isinstance(told, VisitSeen):
            self._visits.append(told.record)
            self.town.visit_index.take(told.record, self.town.directory)
        elif isinstance(told, VisitForgotten):
            self.town.visit_index.drop(told.visit)
            self.town.deadlines.pop(told.visit, None)
        for memory, route, _ in self._routes.get(type(told), ()):
            for key in route(told, self.town):
                self._step(memory, key, told)

    def _take_outputs(self) -> Outputs:
        if not self._findings and not self._visits:
            return NOTHING
        outputs = Outputs(tuple(self._findings), tuple(self._visits))
        self._findings.clear()
        self._visits.clear()
        return outputs

    # ------------------------------------------------------------ how it comes to be

    def _reroute(self) -> None:
        self._routes = self._routed()
        self._keen = self._routed(calm=True)

    def _routed(self, *, calm: bool = False) -> dict[type, tuple[Route, ...]]:
        """Who hears what in the town as it is; of `calm` devices, only whom it may be news to."""
        memories = self._memories.by_rule.values()
        return {
            kind: tuple(
                (memory, memory.rule.route, memory.rule.step)  # bound once: this is the hot path
                for memory in memories
                if kind in memory.rule.wants
                and not (calm and kind in memory.rule.vital)
                and memory.rule.listens(kind, self.town)
            )
            for kind in {kind for memory in memories for kind in memory.rule.wants}
        }

    def _restore(self, rows: Iterable[StateRow]) -> None:
        stale: set[str] = set()
        for row in rows:
            if row.rule == VITALS:
                self.town.vitals.restore(row.key, row.body)
            elif not self._memories.restore(row):
                stale.add(row.rule)
        self.stale = frozenset(stale)
        self._watch_visits()

    def _relearn(self, history: Iterable[Stimulus]) -> None:
        """Walk the last days for the rules whose states were of another version, in silence."""
        memories = self._memories.by_rule
        rules = tuple(memory.rule for name, memory in memories.items() if name in self.stale)
        town = self.town
        past = begin(town.directory, town.plans(), timezone=town.zone.key, rules=rules)
        for stimulus in history:
            advance(past, stimulus)
        if self.clock is not None and past.clock is not None:
            past._fire(self.clock, inclusive=False)
        for rule in rules:
            self._memories.adopt(past._memories.by_rule[rule.name])
        self._watch_visits()

    def _watch_visits(self) -> None:
        """Know the visits whose pages are remembered."""
        book = self._memories.by_rule.get(VISIT_BOOK.name)
        for page in book.states.values() if book else ():
            assert isinstance(page, VisitState)
            self.town.visit_index.take(page.record, self.town.directory)


def begin(
    directory: Directory,
    plans: PlanSet,
    *,
    timezone: str | None = None,
    rules: tuple[AnyRule, ...] = RULES,
    states: Iterable[StateRow] = (),
    clock: datetime | None = None,
    hindsight: bool = True,
    history: Iterable[Stimulus] = (),
) -> World:
    """A world that knows this town. `states` and `clock` are those saved before a restart; the
    states are all rows under `state_names(rules)`.

    A recording is judged with `hindsight`: the day's visits that were over at its first row too.
    Live it is off: a service that starts at noon heard nothing of the morning.

    Without a clock it begins at the first stimulus. What is already true then comes out of the
    first `advance` or `elapse`. States of another version of their rule are left out and the
    rule is named in `world.stale`: it walks `history` instead, the last days' stimuli up to
    `clock`, and comes to where it would be had it been there. What it would have said counts as
    said. `history` is not touched otherwise.
    """
    town = Town(directory, plans, timezone or directory.timezone)
    town.hindsight = hindsight
    world = World(town, with_foundation(rules))
    world.clock = clock
    world._restore(states)
    if world.stale:
        world._relearn(history)
    if clock is not None:
        world._start(clock)
    return world


def advance(world: World, stimulus: Stimulus) -> Outputs:
    """Take in one stimulus in arrival order, timers due before it first."""
    # Most stimuli are readings, and asking a property costs: this is the hot path.
    moment = stimulus.reading.received_at if isinstance(stimulus, Stored) else stimulus.moment
    if world.clock is None:
        world._start(moment)
    if world._memories.is_due(moment):
        world._fire(moment, inclusive=False)
    assert world.clock is not None
    if moment > world.clock:
        world.clock = moment
    world.town.now = world.clock
    if isinstance(stimulus, Stored):
        world._hear(stimulus)
    elif isinstance(stimulus, TownChanged):
        world._change(stimulus, moment)
    return world._take_outputs()


def elapse(world: World, until: datetime) -> Outputs:
    """Let time pass: fire every timer due by `until`, that moment included.

    For the end of a backtest. Live, advance with a `Tick` at the feed's horizon: a timer at that
    very moment waits, since a stimulus of the same moment may still come and goes first.
    """
    if world.clock is None:
        world._start(until)
    world._fire(until, inclusive=True)
    world.town.now = world.clock = max(until, world.clock or until)
    return world._take_outputs()


def with_foundation(rules: tuple[AnyRule, ...]) -> tuple[AnyRule, ...]:
    """The rules, behind what they stand on."""
    if not any(VisitSeen in rule.wants for rule in rules):
        return rules
    return (*FOUNDATION, *(rule for rule in rules if rule not in FOUNDATION))


def state_names(rules: tuple[AnyRule, ...]) -> set[str]:
    """The names under which these rules, and what they stand on, save their states."""
    return {VITALS, *(rule.name for rule in with_foundation(rules))}
