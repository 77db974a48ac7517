"""The words of this room: what the engine is given, what it finds, and what becomes of it.

All values are frozen; all times are aware UTC datetimes; durations are seconds unless the
name says otherwise. Each file stands on those above it in this list:

    words      severities, roles, lanes, outcomes
    plans      what a town file sets: zones, visits, people, ladders, settings, conditions
    stimuli    what happens: readings, timers, what people and channels do
    findings   what rules find, and on what evidence
    visits     a visit as the evidence shows it
    cases      alerts with their stories, and pages

Import from here: `from alerts.types import Finding`.
"""

from alerts.types.cases import Alert, AlertState, Page, PageState, StoryLine
from alerts.types.findings import WRITTEN_BY_RULES, AlertKey, Evidence, Finding, FindingEvent
from alerts.types.plans import (
    Condition,
    Contact,
    Ladder,
    LadderFor,
    PlannedVisit,
    PlanSet,
    Rota,
    RotaSwap,
    RuleScope,
    Rung,
    Staff,
    TownSettings,
    Zone,
)
from alerts.types.stimuli import (
    Acknowledged,
    Arrived,
    Entry,
    Escalated,
    InboxEntry,
    Muted,
    Noted,
    Opened,
    Receipt,
    ReceiptState,
    Resolved,
    Stimulus,
    Stored,
    Tick,
    TownChanged,
    Unmuted,
)
from alerts.types.visits import VisitGrade, VisitRecord, VisitStage
from alerts.types.words import OUTCOMES, LaneName, Outcome, ReadingKind, Role, Severity

__all__ = [
    "OUTCOMES",
    "WRITTEN_BY_RULES",
    "Acknowledged",
    "Alert",
    "AlertKey",
    "AlertState",
    "Arrived",
    "Condition",
    "Contact",
    "Entry",
    "Escalated",
    "Evidence",
    "Finding",
    "FindingEvent",
    "InboxEntry",
    "Ladder",
    "LadderFor",
    "LaneName",
    "Muted",
    "Noted",
    "Opened",
    "Outcome",
    "Page",
    "PageState",
    "PlanSet",
    "PlannedVisit",
    "ReadingKind",
    "Receipt",
    "ReceiptState",
    "Resolved",
    "Role",
    "Rota",
    "RotaSwap",
    "RuleScope",
    "Rung",
    "Severity",
    "Staff",
    "Stimulus",
    "Stored",
    "StoryLine",
    "Tick",
    "TownChanged",
    "TownSettings",
    "Unmuted",
    "VisitGrade",
    "VisitRecord",
    "VisitStage",
    "Zone",
]
