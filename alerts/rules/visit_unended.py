"""A visit began, and nothing shows that it ended.

Raises at window end + `after_minutes` (`no_end_seen`); evidence that is overdue when it comes
waits two minutes for what stands behind it in the phone's buffer. Clears with `ended` when an end
is seen, with `closed_unverified` when 25 h after the begin the record is closed without one, and
with `late_evidence` when it turns out that nobody came, and with `away` when the client turns out
to be away. The key is the visit.
"""

from datetime import timedelta

from alerts.rule import NO_TIMER, UNCHANGED, Keep, RuleState, Verdict
from alerts.rules.shared.lateness import judged_at
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Severity, VisitRecord
from alerts.visits.visit_rule import VisitRule

CLEARED = {
    "done": ("ended", "ended"),
    "unverified": ("closed_unverified", "closed without an end"),
}
AWAY = ("away", "the client is away")
NOBODY = ("late_evidence", "nobody was there after all")


class UnendedSettings(Parameters, frozen=True):
    """How long after the window an end may be missing; our choice."""

    after_minutes: float = 30


class UnendedState(RuleState, frozen=True):
    """What is remembered of one visit."""

    raised: bool = False


class VisitUnendedRule(VisitRule[UnendedState, UnendedSettings]):
    name = "visit_unended"
    severity = Severity.LOW
    settings = UnendedSettings
    state = UnendedState

    def judge(
        self, record: VisitRecord, state: UnendedState | None, town: Town, *, is_due: bool
    ) -> Verdict[UnendedState]:
        before, unended = state or UnendedState(), is_unended(record)
        if unended == before.raised:
            return UNCHANGED
        if not unended:
            reason, what = AWAY if record.away else CLEARED.get(record.state, NOBODY)
            cleared = self.found("cleared", record, reason, what, town)
            return Keep(UnendedState(), NO_TIMER, (cleared,))
        due = record.end + timedelta(minutes=self.parameters(record, town).after_minutes)
        if not (is_due and town.now >= due):
            return Keep(before, judged_at(due, town.now))
        found = self.found("raised", record, "no_end_seen", "begun, no end seen", town)
        return Keep(UnendedState(True), NO_TIMER, (found,))


def is_unended(record: VisitRecord) -> bool:
    """Return True if a visit has begun, nothing shows its end, and the client is not away."""
    return record.state == "begun" and not record.away


VISIT_UNENDED = VisitUnendedRule()
