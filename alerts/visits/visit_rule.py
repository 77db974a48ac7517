"""What the rules that judge visits have in common."""

from collections.abc import Iterable
from typing import Never, TypeVar

from alerts.rule import UNCHANGED, Forget, Rule, RuleState, Verdict
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Finding, FindingEvent, VisitRecord
from alerts.visits.book import VISIT_BOOK, VisitForgotten, VisitSeen
from alerts.visits.terms import people_of

S = TypeVar("S", bound=RuleState)
P = TypeVar("P", bound=Parameters)


class VisitRule(Rule[S, P, Never, VisitSeen | VisitForgotten]):
    """A rule whose keys are visits and whose facts are their records."""

    needs = (VISIT_BOOK,)
    events = (VisitSeen, VisitForgotten)

    def route_event(self, event: VisitSeen | VisitForgotten, town: Town) -> Iterable[str]:
        return (event.record.id if isinstance(event, VisitSeen) else event.visit,)

    def on_event(
        self, key: str, state: S | None, event: VisitSeen | VisitForgotten, town: Town
    ) -> Verdict[S]:
        if isinstance(event, VisitSeen):
            return self.judge(event.record, state, town, is_due=False)
        return Forget() if state is not None else UNCHANGED

    def on_timer(self, key: str, state: S, town: Town) -> Verdict[S]:
        record = town.visit_index.visits.get(key)
        if record is None:  # the book has learnt the last days anew, and these do not hold it
            return Forget()
        return self.judge(record, state, town, is_due=True)

    def judge(
        self, record: VisitRecord, state: S | None, town: Town, *, is_due: bool
    ) -> Verdict[S]:
        """Return what follows from the record as it now is. `is_due`: a timer asks."""
        raise NotImplementedError

    def parameters(self, record: VisitRecord, town: Town) -> P:
        """Return the rule's parameters for a visit: by its client and its caregiver."""
        return town.settings(self, *people_of(record))

    def found(
        self, event: FindingEvent, record: VisitRecord, reason: str, what: str, town: Town
    ) -> Finding:
        """Return a finding on a visit; `what` happened to it, in a few words."""
        start, end = (moment.astimezone(town.zone) for moment in (record.start, record.end))
        client, caregiver = people_of(record)
        return self.finding(
            event,
            client,
            reason,
            f"visit to {client} {start:%Y-%m-%d %H:%M} to {end:%H:%M}: {what}",
            town=town,
            key=record.id,
            visit=record.id,
            evidence=record.evidence,
            by=caregiver,
        )
