"""What the rules that judge visits have in common."""

from collections.abc import Iterable
from typing import TypeVar

from alerts.rule import Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Finding, FindingEvent, Tick, VisitRecord
from alerts.visits.book import VisitForgotten, VisitSeen
from devices.readings import Reading

S = TypeVar("S", bound=RuleState)
P = TypeVar("P", bound=Parameters)


class VisitRule(Rule[S, P]):
    """A rule whose keys are visits and whose facts are their records."""

    wants = (VisitSeen, VisitForgotten)

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        if isinstance(said, VisitSeen):
            return (said.record.id,)
        return (said.visit,) if isinstance(said, VisitForgotten) else ()

    def step(self, key: str, state: S | None, felt: Felt, town: Town) -> Verdict | None:
        record = town.visit_index.visits.get(key)
        if record is None:
            return Verdict(None) if state else None
        return self.judge(record, state, town, ripe=isinstance(felt, Tick))

    def judge(
        self, record: VisitRecord, state: S | None, town: Town, *, ripe: bool
    ) -> Verdict | None:
        """What follows from the record as it now is. `ripe`: its timer has run down."""
        raise NotImplementedError

    def parameters(self, record: VisitRecord, town: Town) -> P:
        return town.settings(self, f"client:{record.client}", f"caregiver:{record.caregiver}")

    def found(
        self, event: FindingEvent, record: VisitRecord, reason: str, what: str, town: Town
    ) -> Finding:
        """A finding on a visit; `what` happened to it, in a few words."""
        start, end = (moment.astimezone(town.zone) for moment in (record.start, record.end))
        return self.finding(
            event,
            f"client:{record.client}",
            reason,
            f"visit to client:{record.client} {start:%Y-%m-%d %H:%M} to {end:%H:%M}: {what}",
            town=town,
            key=record.id,
            visit=record.id,
            evidence=record.evidence,
            by=f"caregiver:{record.caregiver}",
        )
