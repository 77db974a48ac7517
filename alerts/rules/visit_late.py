"""A planned visit has not begun, and the minutes planned no longer fit into its window.

Raises at window start + `after_minutes`, or later when the planned minutes would still fit then.
A phone just come to the home has the time to show a stay. Reasons as for visit_missed:
`caregiver_elsewhere`, `caregiver_silent`, `caregiver_unplaced`, `no_caregiver_data`; revises when
evidence changes them. Clears with `begun` when the visit begins, with `late_evidence` when it turns
out to have begun in time, with `missed` when visit_missed takes over, with `away` when the
client turns out to be away, with `plan_changed` when the plan does. The key is the visit.
"""

from alerts.rule import NO_TIMER, UNCHANGED, Keep, RuleState, Verdict
from alerts.town.town import Town
from alerts.types import FindingEvent, Severity, VisitRecord
from alerts.visits.terms import LATE, LateSettings, deadlines
from alerts.visits.visit_rule import VisitRule


class LateState(RuleState, frozen=True):
    """What is remembered of one visit."""

    reason: str = ""  # of the open alert; "" = there is none


class VisitLateRule(VisitRule[LateState, LateSettings]):
    name = LATE.name
    severity = Severity.MEDIUM
    settings = LATE.settings
    state = LateState

    def judge(
        self, record: VisitRecord, state: LateState | None, town: Town, *, is_due: bool
    ) -> Verdict[LateState]:
        before = state.reason if state else ""
        if record.state == "late" and record.reason != before:
            event: FindingEvent = "revised" if before else "raised"
            found = self.found(event, record, record.reason, "not begun", town)
            return Keep(LateState(record.reason), NO_TIMER, (found,))
        over = why_over(record, town)
        if not before or over is None:
            return UNCHANGED
        reason, what = over
        cleared = self.found("cleared", record, reason, what, town)
        return Keep(LateState(), NO_TIMER, (cleared,))


def why_over(record: VisitRecord, town: Town) -> tuple[str, str] | None:
    """Return why a visit is late no longer, as a reason and in words; None while it still is."""
    late = deadlines(record, town).late
    if record.away:
        return "away", "the client is away"
    if record.began is not None:
        return ("begun", "begun late") if record.began >= late else ("late_evidence", "in time")
    if record.state == "missed":
        return "missed", "missed"
    if record.state == "cancelled" or town.now < late:
        return "plan_changed", "no longer planned so"
    return None


VISIT_LATE = VisitLateRule()
