"""What the rules remember, and when they are to be woken: rows that survive a restart."""

import heapq
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from alerts.rule import KEEP_TIMER, NO_TIMER, AnyRule, Forget, Keep, RuleState, is_written


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
    is_vital: bool  # some readings are mere signs of life to the rule
    has_timers: bool  # the rule answers timers
    states: dict[str, RuleState] = {}
    timers: dict[str, datetime] = {}  # by key
    queued: dict[str, datetime] = {}  # key -> the time of its entry in the heap
    dirty: set[str] = set()

    def row(self, key: str) -> StateRow:
        """Return a state as it is saved."""
        state = self.states.get(key)
        body = b"" if state is None else msgspec.msgpack.encode(state)
        return StateRow(self.rule.name, key, self.rule.version, self.timers.get(key), body)


class Memories:
    """The memories of all rules, and one heap of their timers ordered by time, rule and key."""

    def __init__(self, rules: Iterable[AnyRule]) -> None:
        self.by_rule = {
            rule.name: Memory(rule, bool(rule.vital), is_written(type(rule), "on_timer"))
            for rule in rules
        }
        self._heap: list[tuple[datetime, str, str]] = []  # at, rule, key; may be out of date

    def apply(self, memory: Memory, key: str, verdict: Keep[Any] | Forget) -> None:
        """Put a verdict's state and timer in the place of those before."""
        if isinstance(verdict, Forget):
            memory.states.pop(key, None)
            memory.timers.pop(key, None)
        else:
            memory.states[key] = verdict.state
            timer = verdict.timer
            if timer is NO_TIMER:
                memory.timers.pop(key, None)
            elif timer is not KEEP_TIMER:
                self.set_timer(memory, key, timer)
        memory.dirty.add(key)

    def set_timer(self, memory: Memory, key: str, at: datetime) -> None:
        """Wake this key then. Raise TypeError if `at` is no time or the rule answers no timers."""
        if not (memory.has_timers and isinstance(at, datetime)):
            raise TypeError(f"{memory.rule.name} has no on_timer, or {at!r} is no time")
        memory.timers[key] = at
        queued = memory.queued.get(key)
        if queued is None or at < queued:
            memory.queued[key] = at
            heapq.heappush(self._heap, (at, memory.rule.name, key))

    def next_timer(self) -> datetime | None:
        """Return when the next timer is due, or None if none is set."""
        while self._heap:
            at, name, key = self._heap[0]
            if self._is_current(self.by_rule[name], at, key):
                return at
        return None

    def due(self, until: datetime, *, inclusive: bool) -> tuple[Memory, str, datetime] | None:
        """Take out the first timer before `until` (or at it too), with its time."""
        while self._heap:
            at, name, key = self._heap[0]
            if at > until or (at == until and not inclusive):
                return None
            memory = self.by_rule[name]
            if self._is_current(memory, at, key):
                heapq.heappop(self._heap)
                del memory.queued[key], memory.timers[key]
                memory.dirty.add(key)
                return memory, key, at
        return None

    def is_due(self, until: datetime) -> bool:
        """Return True if a timer may be due before `until`. Cheap, and sure when it is False."""
        return bool(self._heap) and self._heap[0][0] < until

    def take_dirty(self) -> list[StateRow]:
        """Return the states that changed since the last call, by rule and key."""
        rows: list[StateRow] = []
        for memory in self.by_rule.values():
            rows.extend(memory.row(key) for key in sorted(memory.dirty))
            memory.dirty.clear()
        return rows

    def restore(self, row: StateRow) -> bool:
        """Take in a saved state. Return False if another version of its rule wrote it: it goes."""
        memory = self.by_rule.get(row.rule)
        if memory is None:
            return True
        if row.version != memory.rule.version:
            memory.dirty.add(row.key)
            return False
        memory.states[row.key] = msgspec.msgpack.decode(row.body, type=memory.rule.state)
        if row.wake_at is not None:
            self.set_timer(memory, row.key, row.wake_at.astimezone(UTC))  # whatever the session's
        return True

    def adopt(self, learnt: Memory) -> None:
        """Put what a rule remembers elsewhere in the place of what it remembers here."""
        memory = self.by_rule[learnt.rule.name]
        memory.dirty.update(memory.states, learnt.states)
        memory.states = learnt.states
        memory.timers.clear()
        for key, at in learnt.timers.items():
            self.set_timer(memory, key, at)

    def _is_current(self, memory: Memory, at: datetime, key: str) -> bool:
        """Return True if the heap's first entry is a timer as it is set; else mend the heap."""
        if memory.queued.get(key) != at:
            heapq.heappop(self._heap)
            return False
        timer = memory.timers.get(key)
        if timer == at:
            return True
        heapq.heappop(self._heap)
        del memory.queued[key]
        if timer is not None:
            self.set_timer(memory, key, timer)
        return False
