"""What the rules remember, and when they are to be woken: rows that survive a restart."""

import heapq
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from alerts.rule import STANDS, Rule, RuleState, Verdict

AnyRule = Rule[Any, Any]


class StateRow(msgspec.Struct, frozen=True):
    """One rule's state of one key, ready to be saved."""

    rule: str
    key: str
    version: int  # of the rule that wrote it
    wake_at: datetime | None
    body: bytes  # MessagePack of the rule's state; b"" = forgotten, the row goes


class Memory(msgspec.Struct):
    """One rule's states and timers. A timer that only moves later costs no heap operation."""

    rule: AnyRule
    is_vital: bool
    states: dict[str, RuleState] = {}
    wakes: dict[str, datetime] = {}  # key -> the timer
    queued: dict[str, datetime] = {}  # key -> the time it stands under in the heap
    dirty: set[str] = set()

    def row(self, key: str) -> StateRow:
        """A state as it is saved."""
        state = self.states.get(key)
        body = b"" if state is None else msgspec.msgpack.encode(state)
        return StateRow(self.rule.name, key, self.rule.version, self.wakes.get(key), body)


class Memories:
    """The memories of all rules, and one heap of their timers ordered by time, rule and key."""

    def __init__(self, rules: Iterable[AnyRule]) -> None:
        self.by_rule = {rule.name: Memory(rule, bool(rule.vital)) for rule in rules}
        self._heap: list[tuple[datetime, str, str]] = []  # at, rule, key; may be out of date

    def keep(self, memory: Memory, key: str, verdict: Verdict) -> None:
        """Put a verdict's state and timer in the place of those before."""
        if verdict.state is None:
            memory.states.pop(key, None)
        else:
            memory.states[key] = verdict.state
        if verdict.wake_at is not STANDS:
            self.set_timer(memory, key, verdict.wake_at)
        memory.dirty.add(key)

    def set_timer(self, memory: Memory, key: str, at: datetime | None) -> None:
        """Wake this key then; None: not at all."""
        if at is None:
            memory.wakes.pop(key, None)
            return
        memory.wakes[key] = at
        queued = memory.queued.get(key)
        if queued is None or at < queued:
            memory.queued[key] = at
            heapq.heappush(self._heap, (at, memory.rule.name, key))

    def next_wake(self) -> datetime | None:
        """When the next timer is due. None: nothing is waited for."""
        while self._heap:
            at, name, key = self._heap[0]
            if self._stands(self.by_rule[name], at, key):
                return at
        return None

    def due(self, until: datetime, *, inclusive: bool) -> tuple[Memory, str, datetime] | None:
        """Take out the first timer before `until` (or at it too), with its time."""
        while self._heap:
            at, name, key = self._heap[0]
            if at > until or (at == until and not inclusive):
                return None
            memory = self.by_rule[name]
            if self._stands(memory, at, key):
                heapq.heappop(self._heap)
                del memory.queued[key], memory.wakes[key]
                memory.dirty.add(key)
                return memory, key, at
        return None

    def is_due(self, until: datetime) -> bool:
        """May a timer be due before `until`? Cheap, and sure when it says no."""
        return bool(self._heap) and self._heap[0][0] < until

    def take_dirty(self) -> list[StateRow]:
        """The states that changed since it was last asked, by rule and key."""
        rows: list[StateRow] = []
        for memory in self.by_rule.values():
            rows.extend(memory.row(key) for key in sorted(memory.dirty))
            memory.dirty.clear()
        return rows

    def restore(self, row: StateRow) -> bool:
        """Take in what was saved. False: by another version of its rule; it is forgotten."""
        memory = self.by_rule.get(row.rule)
        if memory is None:
            return True
        if row.version != memory.rule.version:
            memory.dirty.add(row.key)
            return False
        memory.states[row.key] = msgspec.msgpack.decode(row.body, type=memory.rule.state)
        if row.wake_at is not None:
            self.set_timer(memory, row.key, row.wake_at)
        return True

    def adopt(self, learnt: Memory) -> None:
        """Put what a rule remembers elsewhere in the place of what it remembers here."""
        memory = self.by_rule[learnt.rule.name]
        memory.dirty.update(memory.states, learnt.states)
        memory.states = learnt.states
        memory.wakes.clear()
        for key, at in learnt.wakes.items():
            self.set_timer(memory, key, at)

    def _stands(self, memory: Memory, at: datetime, key: str) -> bool:
        """Does the heap's first entry stand for a timer? If not, it is taken out or moved."""
        if memory.queued.get(key) != at:
            heapq.heappop(self._heap)
            return False
        timer = memory.wakes.get(key)
        if timer == at:
            return True
        del memory.queued[key]
        heapq.heappop(self._heap)
        self.set_timer(memory, key, timer)
        return False
