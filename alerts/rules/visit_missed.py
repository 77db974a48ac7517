"""Nobody shows to have made a planned visit.

Raises at window end + `grace_minutes` when there is no evidence of the visit: neither the planned
caregiver's phone at the home for `dwell_minutes` (fixes less than `gap_minutes` apart belong
together), nor a check-in backed by the phone or the home's door. It raises also when the phone is
silent: lost is not absent, and the reason says so. Reasons: `caregiver_elsewhere`,
`caregiver_silent`, `caregiver_unplaced` (the phone spoke, and no fix places it there),
`caregiver_mock` (the phone made its places up, which are no evidence),
`no_caregiver_data`, `substitute_came` (another caregiver did).
Revises when later evidence changes the reason. Clears with `late_evidence` when evidence arrives,
up to `correction_hours` after the window, and with `plan_changed` when the plan is moved or taken
away. A visit whose window touches an absence of the client is not missed, and clears (`away`) when
that is learnt. Evidence counts by the time it was made, whatever order it came in. The key is the
visit.
"""

from alerts.rule import NO_TIMER, Keep, RuleState, Verdict
from alerts.town.town import Town
from alerts.types import FindingEvent, Severity, VisitRecord
from alerts.visits.terms import MISSED, MissedSettings, deadlines
from alerts.visits.visit_rule import VisitRule

WORDS = {
    "caregiver_elsewhere": "{who} was elsewhere",
    "caregiver_silent": "not seen, the phone of {who} was silent",
    "caregiver_unplaced": "not seen: the phone of {who} spoke, and no fix places it there",
    "caregiver_mock": "not seen: the phone of {who} made its places up",
    "no_caregiver_data": "not seen, and no phone or home to tell by",
    "substitute_came": "{came} came instead of {who}",
    "late_evidence": "{came} was there after all",
    "away": "the client is away",
    "plan_changed": "no longer planned so",
}


class MissedState(RuleState, frozen=True):
    """What is remembered of one visit."""

    reason: str = ""  # of the open alert; "" = there is none


class VisitMissedRule(VisitRule[MissedState, MissedSettings]):
    name = MISSED.name
    severity = Severity.HIGH
    settings = MISSED.settings
    state = MissedState

    def judge(
        self, record: VisitRecord, state: MissedState | None, town: Town, *, is_due: bool
    ) -> Verdict[MissedState]:
        due = deadlines(record, town).missed
        is_over = town.now >= due
        timer = NO_TIMER if is_over else due
        owed = (
            is_over
            and not record.away
            and (record.state == "missed" or record.reason == "substitute_came")
        )
        before, now = state.reason if state else "", record.reason if owed else ""
        if before == now:
            return Keep(MissedState(now), timer)
        event: FindingEvent = "revised" if before and now else "raised" if now else "cleared"
        reason = now or why_over(record)
        what = WORDS[reason].format(who=record.caregiver, came=record.came)
        found = self.found(event, record, reason, what, town)
        return Keep(MissedState(now), timer, (found,))


def why_over(record: VisitRecord) -> str:
    """Return why a visit counts as missed no longer."""
    if record.away:
        return "away"
    return "late_evidence" if record.came else "plan_changed"


VISIT_MISSED = VisitMissedRule()
