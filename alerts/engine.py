"""The engine: stimuli in arrival order go in, findings and visit records come out.

Pure in the sense that matters: no clock, no file, no database. The same stimuli give the same
outcomes in the same order, live, in a backtest and after a restart.

- A reading goes only to the rules that want its kind, and only for the keys they name.
- A rule's `wake_at` is a wish. Wishes older than a stimulus are granted before it, ordered by
  time, rule and key; a wish and a stimulus of the same moment: the stimulus goes first.
- The clock is the latest moment so far and never goes back.
"""

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from alerts.known import Known
from alerts.plan import CALENDAR
from alerts.rule import STANDS, Begun, Felt, Rule, State, Told, Verdict
from alerts.rules import RULES
from alerts.types import (
    Finding,
    PlanSet,
    Stimulus,
    Stored,
    Tick,
    TownChanged,
    VisitRecord,
)
from alerts.visits import VISIT_BOOK, VisitForgotten, VisitSeen
from devices.directory import Directory

AnyRule = Rule[Any, Any]
FOUNDATION: tuple[AnyRule, ...] = (CALENDAR, VISIT_BOOK)  # what the rules on visits stand on
VITALS = "vitals"  # the rows of known.vitals


class StateRow(msgspec.Struct, frozen=True):
    """One rule's state of one key, ready to be saved."""

    rule: str
    key: str
    version: int  # of the rule that wrote it
    wake_at: datetime | None
    body: bytes  # MessagePack of the rule's state; b"" = forgotten, the row goes


class Outcome(msgspec.Struct, frozen=True):
    """What followed from one stimulus, and from the wishes that were due before it."""

    findings: tuple[Finding, ...] = ()
    visits: tuple[VisitRecord, ...] = ()


NOTHING = Outcome()


class Memory(msgspec.Struct):
    """One rule's states and wishes. A wish that only moves later costs no heap operation."""

    rule: AnyRule
    is_vital: bool
    states: dict[str, State] = {}
    wakes: dict[str, datetime] = {}  # key -> the wish
    queued: dict[str, datetime] = {}  # key -> the time it stands under in the heap
    dirty: set[str] = set()


Route = tuple[Memory, Callable[..., Iterable[str]], Callable[..., Verdict | None]]


class World:
    """Everything the engine knows: the town, every rule's states, the wishes and the clock."""

    def __init__(self, known: Known, rules: tuple[AnyRule, ...]) -> None:
        self.known = known
        self.clock: datetime | None = None  # None until it has begun
        self.stale: frozenset[str] = frozenset()  # rules whose saved states were of another version
        self._memories = {rule.name: Memory(rule, bool(rule.vital)) for rule in rules}
        self._heap: list[tuple[datetime, str, str]] = []  # at, rule, key
        self._routes = self._routed(rules, lambda rule, kind: kind in rule.wants)
        self._keen = self._routed(
            rules, lambda rule, kind: kind in rule.wants and kind not in rule.vital
        )
        self._is_vital = any(rule.vital for rule in rules)
        self._findings: list[Finding] = []
        self._visits: list[VisitRecord] = []

    def next_wake(self) -> datetime | None:
        """When the next wish is due. None: nothing is waited for."""
        while self._heap:
            at, name, key = self._heap[0]
            if self._granted(self._memories[name], at, key):
                return at
        return None

    def take_dirty(self) -> list[StateRow]:
        """The states that changed since it was last asked, by rule and key."""
        rows = [
            StateRow(VITALS, key, 1, None, body) for key, body in self.known.vitals.take_dirty()
        ]
        for memory in self._memories.values():
            rows.extend(row_of(memory, key) for key in sorted(memory.dirty))
            memory.dirty.clear()
        return rows

    # ------------------------------------------------------------ the engine's own moves

    def _routed(
        self, rules: tuple[AnyRule, ...], asks: Callable[[AnyRule, type], bool]
    ) -> dict[type, tuple[Route, ...]]:
        return {
            kind: tuple(
                (memory, memory.rule.route, memory.rule.step)  # bound once: this is the hot path
                for memory in self._memories.values()
                if asks(memory.rule, kind)
            )
            for kind in {kind for rule in rules for kind in rule.wants}
        }

    def _restore(self, rows: Iterable[StateRow]) -> None:
        stale: set[str] = set()
        for row in rows:
            if row.rule == VITALS:
                self.known.vitals.restore(row.key, row.body)
            memory = self._memories.get(row.rule)
            if memory is None:
                continue
            if row.version != memory.rule.version:
                stale.add(row.rule)
                continue
            memory.states[row.key] = msgspec.msgpack.decode(row.body, type=memory.rule.state)
            if row.wake_at is not None:
                self._wish(memory, row.key, row.wake_at)
            if row.rule == VISIT_BOOK.name:
                page = msgspec.msgpack.decode(row.body, type=VISIT_BOOK.state)
                self.known.watch.take(page.record, self.known.directory)
        self.stale = frozenset(stale)

    def _relearn(self, history: Iterable[Stimulus]) -> None:
        """Walk the last days for the rules whose states were of another version, in silence."""
        rules = tuple(self._memories[name].rule for name in sorted(self.stale))
        known = self.known
        past = begin(known.directory, known.plans(), timezone=known.zone.key, rules=rules)
        for stimulus in history:
            advance(past, stimulus)
        if self.clock is not None and past.clock is not None:
            past._fire(self.clock, inclusive=False)
        for name in self.stale:
            self._adopt(past._memories[name])
        if VISIT_BOOK.name in self.stale:
            for record in past.known.watch.visits.values():
                known.watch.take(record, known.directory)

    def _adopt(self, learnt: Memory) -> None:
        """Put another world's memory in the place of ours."""
        memory = self._memories[learnt.rule.name]
        memory.dirty.update(memory.states, learnt.states)
        memory.states = learnt.states
        memory.wakes.clear()
        for key, at in learnt.wakes.items():
            self._wish(memory, key, at)

    def _wish(self, memory: Memory, key: str, at: datetime | None) -> None:
        if at is None:
            memory.wakes.pop(key, None)
            return
        memory.wakes[key] = at
        queued = memory.queued.get(key)
        if queued is None or at < queued:
            memory.queued[key] = at
            heapq.heappush(self._heap, (at, memory.rule.name, key))

    def _granted(self, memory: Memory, at: datetime, key: str) -> bool:
        """Is the heap's first entry a wish that stands? Otherwise it is taken out or moved."""
        if memory.queued.get(key) != at:
            heapq.heappop(self._heap)
            return False
        wish = memory.wakes.get(key)
        if wish == at:
            return True
        del memory.queued[key]
        heapq.heappop(self._heap)
        self._wish(memory, key, wish)
        return False

    def _fire(self, until: datetime, *, inclusive: bool) -> None:
        """Grant the wishes due before `until`, or at it too."""
        heap = self._heap
        while heap and (heap[0][0] < until or (inclusive and heap[0][0] == until)):
            at, name, key = heap[0]
            memory = self._memories[name]
            if not self._granted(memory, at, key):
                continue
            heapq.heappop(heap)
            del memory.queued[key], memory.wakes[key]
            moment = at if self.clock is None else max(at, self.clock)
            self.known.now = moment
            if self.clock is not None:
                self.clock = moment
            self._step(memory, key, Tick(moment))

    def _step(self, memory: Memory, key: str, felt: Felt) -> None:
        before = memory.states.get(key)
        verdict = memory.rule.step(key, before, felt, self.known)
        if verdict is not None:
            self._apply(memory, key, verdict)
        elif isinstance(felt, Tick):
            memory.dirty.add(key)  # its wish has gone

    def _apply(self, memory: Memory, key: str, verdict: Verdict) -> None:
        if verdict.state is None:
            memory.states.pop(key, None)
        else:
            memory.states[key] = verdict.state
        if verdict.wake_at is not STANDS:
            self._wish(memory, key, verdict.wake_at)
        memory.dirty.add(key)
        if memory.is_vital:
            self.known.vitals.stir(key, self.known.directory)
        if verdict.findings:
            self._findings.extend(verdict.findings)
        for told in verdict.tells:
            self._tell(told)

    def _tell(self, told: Told) -> None:
        if isinstance(told, VisitSeen):
            self._visits.append(told.record)
            self.known.watch.take(told.record, self.known.directory)
        elif isinstance(told, VisitForgotten):
            self.known.watch.drop(told.visit)
            self.known.deadlines.pop(told.visit, None)
        for memory, route, _ in self._routes.get(type(told), ()):
            for key in route(told, self.known):
                self._step(memory, key, told)

    def _hear(self, stored: Stored) -> None:
        reading, known = stored.reading, self.known
        is_calm = self._is_vital and known.vitals.note(reading, known.now)
        routes = self._keen if is_calm else self._routes
        is_news = False
        for memory, route, step in routes.get(type(reading), ()):
            for key in route(reading, known):
                verdict = step(key, memory.states.get(key), stored, known)
                if verdict is not None:
                    is_news = is_news or memory.is_vital
                    self._apply(memory, key, verdict)
        if self._is_vital and not is_calm and not is_news:
            known.vitals.calm(reading, known.now)

    def _reconsider(self, change: TownChanged | Begun) -> None:
        for memory in self._memories.values():
            for key in list(memory.rule.affected(change, self.known)):
                self._step(memory, key, change)

    def _start(self, moment: datetime) -> None:
        """The first moment: what is already true is raised, timers before it at their own time."""
        self.known.now = moment
        self._reconsider(Begun(moment))
        self._fire(moment, inclusive=False)
        self.clock = moment

    def _outcome(self) -> Outcome:
        if not self._findings and not self._visits:
            return NOTHING
        outcome = Outcome(tuple(self._findings), tuple(self._visits))
        self._findings.clear()
        self._visits.clear()
        return outcome


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
    known = Known(directory, plans, timezone or directory.timezone)
    world = World(known, (*foundation(rules), *rules))
    world.known.hindsight = hindsight
    world.clock = clock
    world._restore(states)
    if world.stale:
        world._relearn(history)
    if clock is not None:
        world._start(clock)
    return world


def advance(world: World, stimulus: Stimulus) -> Outcome:
    """Take in one stimulus in arrival order, wishes due before it first."""
    moment = stimulus.moment
    if world.clock is None:
        world._start(moment)
    if world._heap and world._heap[0][0] < moment:
        world._fire(moment, inclusive=False)
    assert world.clock is not None
    if moment > world.clock:
        world.clock = moment
    world.known.now = world.clock
    if isinstance(stimulus, Stored):
        world._hear(stimulus)
    elif isinstance(stimulus, TownChanged):
        world.known.changed(stimulus)
        world.known.vitals.stir_all(world.clock)
        world._reconsider(stimulus)
        world._fire(moment, inclusive=False)
    return world._outcome()


def elapse(world: World, until: datetime) -> Outcome:
    """Let time pass: grant every wish due by `until`, that moment included.

    For the end of a backtest. Live, advance with a `Tick` at the feed's horizon: a wish at that
    very moment waits, since a stimulus of the same moment may still come and goes first.
    """
    if world.clock is None:
        world._start(until)
    world._fire(until, inclusive=True)
    world.known.now = world.clock = max(until, world.clock or until)
    return world._outcome()


def foundation(rules: tuple[AnyRule, ...]) -> tuple[AnyRule, ...]:
    """What these rules stand on."""
    return FOUNDATION if any(VisitSeen in rule.wants for rule in rules) else ()


def state_names(rules: tuple[AnyRule, ...]) -> set[str]:
    """The names under which these rules, and what they stand on, save their states."""
    return {VITALS, *(rule.name for rule in (*foundation(rules), *rules))}


def row_of(memory: Memory, key: str) -> StateRow:
    """A state as it is saved."""
    state = memory.states.get(key)
    body = b"" if state is None else msgspec.msgpack.encode(state)
    return StateRow(memory.rule.name, key, memory.rule.version, memory.wakes.get(key), body)
