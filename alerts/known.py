"""What the engine knows besides the rules' own states: the town as it was last told.

Rules read it; only the engine changes it, and only because a stimulus said so.
"""

from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from alerts.rule import Rule, Settings, State
from alerts.scopes import Scopes
from alerts.types import PlannedVisit, PlanSet, RuleScope, TownChanged, VisitRecord, Zone
from devices.directory import Directory

P = TypeVar("P", bound=Settings)
S = TypeVar("S", bound=State)
NEVER = datetime.min.replace(tzinfo=UTC)


class Known:
    """The town, its plans and settings, and the engine's moment."""

    def __init__(self, directory: Directory, plans: PlanSet, timezone: str) -> None:
        self.now = NEVER  # the engine's moment, from its first stimulus on
        self.directory = directory
        self.zone = ZoneInfo(timezone)  # the town's time zone
        self.fences: dict[str, Zone] = {}
        self.fences_of: dict[str, tuple[str, ...]] = {}  # owner -> zone ids
        self.visit_plans: dict[str, PlannedVisit] = {}
        self.visits: dict[str, VisitRecord] = {}  # the visits of these days as last concluded
        self._rules: dict[str, dict[str, object]] = {}
        self._scopes_for: tuple[RuleScope, ...] = ()
        self._subjects: dict[str, str] = {}
        self._plan(plans)
        self._scopes = Scopes(directory, self._rules, self._scopes_for)

    def subject_of(self, device: str) -> str:
        """Who a device speaks for: its holder, or the device itself ("device:d-1")."""
        subject = self._subjects.get(device)
        if subject is None:
            known = self.directory.devices.get(device)
            subject = (known and known.holder) or f"device:{device}"
            self._subjects[device] = subject
        return subject

    def settings(self, rule: Rule[S, P], subject: str) -> P:
        """The parameters of a rule for a subject; the narrowest scope wins."""
        return self._scopes.settings(rule, subject)

    def changed(self, change: TownChanged) -> None:
        """Take in what a change of the town says. Taking it in twice changes nothing more."""
        if change.timezone is not None:
            self.zone = ZoneInfo(change.timezone)
        self.directory = self.directory.changed(change.register)
        self._plan(change.plans)
        self._subjects.clear()
        self._scopes = Scopes(self.directory, self._rules, self._scopes_for)

    def plans(self) -> PlanSet:
        """The plans and settings as now known."""
        return PlanSet(
            zones=tuple(self.fences.values()),
            visits=tuple(self.visit_plans.values()),
            rules=self._rules,
            rules_for=self._scopes_for,
        )

    def _plan(self, plans: PlanSet) -> None:
        for key in plans.removed.get("visits", ()):
            self.visit_plans.pop(key, None)
        self.visit_plans.update({plan.id: plan for plan in plans.visits})
        for key in plans.removed.get("zones", ()):
            self._fence(key, None)
        for zone in plans.zones:
            self._fence(zone.id, zone)
        if plans.rules is not None:
            self._rules = plans.rules
        if plans.rules_for is not None:
            self._scopes_for = plans.rules_for

    def _fence(self, key: str, zone: Zone | None) -> None:
        before = self.fences.pop(key, None)
        if before is not None:
            left = tuple(k for k in self.fences_of[before.owner] if k != key)
            self.fences_of[before.owner] = left
        if zone is not None:
            self.fences[key] = zone
            self.fences_of[zone.owner] = (*self.fences_of.get(zone.owner, ()), key)
