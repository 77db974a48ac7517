"""A visit began, and nothing shows that it ended.

Raises at window end + `after_minutes` (`no_end_seen`); evidence that is overdue when it comes
waits two minutes for what stands behind it in the phone's buffer. Clears with `ended` when an end
is seen, with `closed_unverified` when 25 h after the begin the record is closed without one, and
with `late_evidence` when it turns out that nobody came. The key is the visit.
"""

from datetime import timedelta

from alerts.rule import RuleState, Verdict
from alerts.rules.shared.lateness import judged_at
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Severity, VisitRecord
from alerts.visits.visit_rule import VisitRule

CLEARED = {
    "done": ("ended", "ended"),
    "unverified": ("closed_unverified", "closed without an end"),
}
NOBODY = ("late_evidence", "nobody was there after all")


class UnendedSettings(Parameters, frozen=True):
    after_minutes: float = 30


class UnendedState(RuleState, frozen=True):
    raised: bool = False


class VisitUnendedRule(VisitRule[UnendedState, UnendedSettings]):
    name = "visit_unended"
    severity = Severity.LOW
    settings = UnendedSettings
    state = UnendedState

    def judge(
        self, record: VisitRecord, state: UnendedState | None, town: Town, *, ripe: bool
    ) -> Verdict | None:
        before, unended = state or UnendedState(), record.state == "begun"
        if unended == before.raised:
            return None
        if not unended:
            reason, what = CLEARED.get(record.state, NOBODY)
            return Verdict(UnendedState(), (self.found("cleared", record, reason, what, town),))
        due = record.end + timedelta(minutes=self.parameters(record, town).after_minutes)
        if not (ripe and town.now >= due):
            return Verdict(before, wake_at=judged_at(due, town.now))
        found = self.found("raised", record, "no_end_seen", "begun, no end seen", town)
        return Verdict(UnendedState(True), (found,))


VISIT_UNENDED = VisitUnendedRule()
