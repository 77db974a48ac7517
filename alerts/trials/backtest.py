"""Rules tried on what was recorded: what would have been raised, and how heavy that weighs.

The engine is the one that runs live; here it only gets its stimuli faster, and its findings are
looked at instead of sent. Nothing here reads a clock: the same stimuli give the same findings.

The world begins at its first moment. Visits of that day whose time was over by then are judged
too, each finding at the time it would have been made.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from alerts.engine.two_lanes import TwoLanes
from alerts.figures.alarm_load import AlarmLoad, alarms_of, measure
from alerts.types import Evidence, Finding, FindingEvent, Severity, Stimulus, Tick
from devices.scope import WHOLE, Scope, sees_subject
from devices.subject import Subject


class FindingLine(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as it is printed; all times with the offset of the town's zone."""

    at: datetime
    rule: str
    subject: str
    event: FindingEvent
    severity: Severity
    reason: str
    detail: str
    evidence: tuple[Evidence, ...]
    visit: str | None
    key: str
    rule_version: int
    settings: dict[str, Any]


class Trial:
    """One run of the rules over stimuli in arrival order.

    Time begins at `begin` (None: with the first stimulus) and runs on to `until` (None: to the
    last stimulus); the timers due by then fire. What is found before `shown_from` only warms up;
    what lies outside `scope` is not shown.
    """

    def __init__(
        self,
        lanes: TwoLanes,
        stimuli: Iterable[Stimulus],
        *,
        begin: datetime | None = None,
        until: datetime | None = None,
        shown_from: datetime | None = None,
        scope: Scope = WHOLE,
    ) -> None:
        self._lanes = lanes
        self._stimuli = stimuli
        self._until = until
        self._shown_from = shown_from
        self._scope = scope
        self._counts: Counter[tuple[str, str]] = Counter()
        self.begin = begin
        self.alarms: list[Finding] = []  # what was raised or cleared so far, evidence left out

    @property
    def zone(self) -> ZoneInfo:
        """Return the town's time zone."""
        return self._lanes.town.zone

    def findings(self) -> Iterator[Finding]:
        """Yield what the rules find, in order, with the town's offset in every time. Runs once."""
        for finding in self._run():
            if not self.shows(finding):
                continue
            self._counts[finding.rule, finding.event] += 1
            local = in_zone(finding, self.zone)
            if finding.event in ("raised", "cleared"):
                self.alarms.append(replace(local, evidence=()))
            yield local

    def shows(self, finding: Finding) -> bool:
        """Return True if a finding lies in the time and the part of the town that are looked at."""
        if self._shown_from is not None and finding.at < self._shown_from:
            return False
        return sees_subject(self._scope, self._lanes.town.directory, Subject.parse(finding.subject))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many findings there were: rule -> event -> number, in order of their names."""
        counted: dict[str, dict[str, int]] = {}
        for (rule, event), number in sorted(self._counts.items()):
            counted.setdefault(rule, {})[event] = number
        return counted

    def load(self, findings: Iterable[Finding], seats: int) -> AlarmLoad | None:
        """Return how heavy alarms of the same time weigh; None where no time has passed at all."""
        begin, end = self._shown_from or self.begin, self._until or self._lanes.clock
        if begin is None or end is None:
            return None
        return measure(
            alarms_of(findings),
            begin=begin.astimezone(self.zone),
            end=end.astimezone(self.zone),
            timezone=self.zone.key,
            seats=seats,
            area_of=self._area_of,
        )

    def _area_of(self, subject: str) -> str | None:
        return self._lanes.town.directory.area_of(Subject.parse(subject))

    def _run(self) -> Iterator[Finding]:
        if self.begin is not None:
            yield from self._lanes.advance(Tick(self.begin))
        for stimulus in self._stimuli:
            self.begin = self.begin or stimulus.moment
            yield from self._lanes.advance(stimulus)
        end = self._until or self._lanes.clock
        if end is not None:
            self.begin = self.begin or end
            yield from self._lanes.elapse(end)


def in_zone(finding: Finding, zone: ZoneInfo) -> Finding:
    """Return the finding with its times as the town's clocks show them."""
    evidence = tuple(
        fact if fact.at is None else replace(fact, at=fact.at.astimezone(zone))
        for fact in finding.evidence
    )
    return replace(finding, at=finding.at.astimezone(zone), evidence=evidence)


def line_of(finding: Finding) -> FindingLine:
    """Return the finding as it is printed; the number of the settings is this
    installation's own."""
    return FindingLine(**{name: getattr(finding, name) for name in FindingLine.__struct_fields__})
