"""Both lanes of the engine, walked one beside the other as they are live.

Each rule belongs to one lane and each lane has a clock of its own: a press that was received
before a position, and stored behind it, is still heard at its own moment.
"""

from collections.abc import Iterator
from datetime import datetime

from alerts.engine.engine import AnyRule, advance, begin, elapse
from alerts.rules import RULES
from alerts.town.town import Town
from alerts.types import Finding, LaneName, PlanSet, Stimulus, Stored, Tick
from devices.directory import Directory
from devices.readings import SosPressed


def rules_of(lane: LaneName) -> tuple[AnyRule, ...]:
    """The rules that a lane asks."""
    return tuple(rule for rule in RULES if rule.lane == lane)


class TwoLanes:
    """A world for each lane, told the same things; the life lane hears presses only."""

    def __init__(
        self, directory: Directory, plans: PlanSet, *, timezone: str, hindsight: bool = True
    ) -> None:
        self._life, self._main = (
            begin(directory, plans, timezone=timezone, rules=rules_of(name), hindsight=hindsight)
            for name in ("life", "main")
        )

    @property
    def town(self) -> Town:
        """The town as it was last told."""
        return self._main.town

    @property
    def clock(self) -> datetime | None:
        """The latest moment so far; None: nothing has been heard."""
        return self._main.clock

    def advance(self, stimulus: Stimulus) -> Iterator[Finding]:
        """What follows from one stimulus, and from the timers that were due before it."""
        if not isinstance(stimulus, Stored) or isinstance(stimulus.reading, SosPressed):
            yield from advance(self._main, Tick(stimulus.moment)).findings
            yield from advance(self._life, stimulus).findings
        yield from advance(self._main, stimulus).findings

    def elapse(self, until: datetime) -> Iterator[Finding]:
        """What follows from time alone, up to and with this moment."""
        yield from elapse(self._life, until).findings
        yield from elapse(self._main, until).findings
