"""A visit ended with too little of its planned time.

Raises when less than `share` of the planned minutes was spent there (`too_short`), judged when
the window is over and ten minutes after the end, so that stepping out is not leaving. The time
counts from begin to end, without what the phone spent elsewhere; time without a fix counts as
there. Evidence that is overdue when it comes waits two minutes for what stands behind it in the
phone's buffer. Clears with `late_evidence` when later evidence shows enough, and with `away` when
the client turns out to be away in the window. The key is the visit.
"""

from datetime import timedelta

from alerts.rule import NO_TIMER, UNCHANGED, Keep, RuleState, Verdict
from alerts.rules.shared.lateness import judged_at
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import FindingEvent, Severity, VisitRecord
from alerts.visits.visit_rule import VisitRule

SETTLED = timedelta(minutes=10)  # a caregiver may have stepped out for so long; our choice


class ShortSettings(Parameters, frozen=True):
    """How much of the planned time must be spent there."""

    share: float = 0.8  # of the planned minutes; our choice


class ShortState(RuleState, frozen=True):
    """What is remembered of one visit."""

    raised: bool = False


class VisitShortRule(VisitRule[ShortState, ShortSettings]):
    name = "visit_short"
    severity = Severity.MEDIUM
    settings = ShortSettings
    state = ShortState

    def judge(
        self, record: VisitRecord, state: ShortState | None, town: Town, *, is_due: bool
    ) -> Verdict[ShortState]:
        before = state or ShortState()
        short = self._is_short(record, town)
        if short == before.raised:
            return UNCHANGED
        due = max(record.end, (record.ended or record.end) + SETTLED)
        if short and not (is_due and town.now >= due):
            return Keep(before, judged_at(due, town.now))
        event: FindingEvent = "raised" if short else "cleared"
        reason = "too_short" if short else "away" if record.away else "late_evidence"
        what = f"{record.present or 0:.0f} of {record.minutes} min"
        found = self.found(event, record, reason, what, town)
        return Keep(ShortState(short), NO_TIMER, (found,))

    def _is_short(self, record: VisitRecord, town: Town) -> bool:
        """Return True if the visit has ended with less than its share of the planned minutes."""
        if record.away or record.present is None:
            return False
        return record.present < self.parameters(record, town).share * record.minutes


VISIT_SHORT = VisitShortRule()
