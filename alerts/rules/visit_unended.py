"""A visit began, and nothing shows that it ended.

Raises at window end + `after_minutes` (`no_end_seen`). Clears with `ended` when an end is seen,
with `closed_unverified` when 25 h after the begin the record is closed without one, and with
`late_evidence` when it turns out that nobody came. The key is the visit.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from alerts.rule import Settings, State, Verdict
from alerts.types import Severity, VisitRecord
from alerts.visit_rule import VisitRule

if TYPE_CHECKING:
    from alerts.known import Known

CLEARED = {
    "done": ("ended", "ended"),
    "unverified": ("closed_unverified", "closed without an end"),
}


class UnendedSettings(Settings, frozen=True):
    after_minutes: float = 30


class UnendedState(State, frozen=True):
    raised: bool = False


class VisitUnendedRule(VisitRule[UnendedState, UnendedSettings]):
    name = "visit_unended"
    severity = Severity.LOW
    settings = UnendedSettings
    state = UnendedState

    def judge(
        self, record: VisitRecord, state: UnendedState | None, known: "Known"
    ) -> Verdict | None:
        raised = state.raised if state else False
        due = record.end + timedelta(minutes=self.parameters(record, known).after_minutes)
        if record.state == "begun" and known.now < due:
            return Verdict(UnendedState(raised), wake_at=due)
        unended = record.state == "begun"
        if unended == raised:
            return None
        if unended:
            found = self.found("raised", record, "no_end_seen", "begun, no end seen", known)
            return Verdict(UnendedState(True), (found,))
        reason, what = CLEARED.get(record.state, ("late_evidence", "nobody was there after all"))
        return Verdict(UnendedState(), (self.found("cleared", record, reason, what, known),))


VISIT_UNENDED = VisitUnendedRule()
