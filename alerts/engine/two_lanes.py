"""Both lanes of the engine, walked one beside the other as they are live.

Each rule belongs to one lane and each lane has a clock of its own: a press that was received
before a position, and stored behind it, is still heard at its own moment.
"""

from collections.abc import Iterator
from datetime import datetime

from alerts.engine.engine import World
from alerts.rule import AnyRule
from alerts.rules import RULES
from alerts.town.town import Town
from alerts.types import Finding, LaneName, PlanSet, Stimulus, Stored, Tick
from devices.directory import Directory
from devices.readings import SosPressed


def rules_of(lane: LaneName) -> tuple[AnyRule, ...]:
    """Return the rules that a lane asks, in their order."""
    return tuple(rule for rule in RULES if rule.lane == lane)


class TwoLanes:
    """A world for each lane, fed the same stimuli; the life lane hears presses only."""

    def __init__(
        self, directory: Directory, plans: PlanSet, *, timezone: str, hindsight: bool = True
    ) -> None:
        self._life, self._main = (
            World.begin(
                directory, plans, timezone=timezone, rules=rules_of(name), hindsight=hindsight
            )
            for name in ("life", "main")
        )

    @property
    def town(self) -> Town:
        """Return the town as it is now."""
        return self._main.town

    @property
    def clock(self) -> datetime | None:
        """Return the latest moment so far, or None before the first stimulus."""
        return self._main.clock

    def advance(self, stimulus: Stimulus) -> Iterator[Finding]:
        """Yield what follows from one stimulus, and from the timers that were due before it."""
        if not isinstance(stimulus, Stored) or isinstance(stimulus.reading, SosPressed):
            yield from self._main.advance(Tick(stimulus.moment)).findings
            yield from self._life.advance(stimulus).findings
        yield from self._main.advance(stimulus).findings

    def elapse(self, until: datetime) -> Iterator[Finding]:
        """Yield what follows from time alone, up to and with this moment."""
        yield from self._life.elapse(until).findings
        yield from self._main.elapse(until).findings
