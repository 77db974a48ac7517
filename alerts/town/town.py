"""What the engine knows besides the rules' own states: the town as the last change left it.

Rules read it; only the engine changes it, and only because a stimulus said so.
"""

from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from alerts.town.deadlines import Deadlines
from alerts.town.heartbeats import Vitals
from alerts.town.parameters import Parameters
from alerts.town.settings import Scoped, Scopes
from alerts.town.visits_at import VisitIndex
from alerts.types import Condition, PlannedVisit, PlanSet, RuleScope, TownChanged, Zone
from devices.directory import DeviceKind, Directory
from devices.subject import Subject

P = TypeVar("P", bound=Parameters)
NEVER = datetime.min.replace(tzinfo=UTC)


class Speaker(msgspec.Struct, frozen=True, gc=False):
    """Who and what is behind a device."""

    subject: str  # its holder, or the device itself ("device:d-1")
    kind: DeviceKind | None
    caregiver: str | None  # id, when a caregiver holds it


class Town:
    """The town, its plans and settings, and the engine's moment."""

    def __init__(self, directory: Directory, plans: PlanSet, timezone: str) -> None:
        self.now = NEVER  # the engine's moment, from its first stimulus on
        self.hindsight = True  # judge visits that were over when their plan was learnt
        self.directory = directory
        self.zone = ZoneInfo(timezone)  # the town's time zone
        self.fences: dict[str, Zone] = {}
        self.fences_of: dict[str, tuple[str, ...]] = {}  # owner -> zone ids
        self.conditions: dict[str, Condition] = {}
        self.visit_plans: dict[str, PlannedVisit] = {}
        self.rounds: dict[str, dict[str, PlannedVisit]] = {}  # caregiver -> visit plans by id
        self.visit_index = VisitIndex()  # the visits of these days as last concluded
        self.vitals = Vitals()  # when each device was last heard
        self.deadlines: dict[str, Deadlines] = {}  # by visit, as worked out since the last change
        self._rules: dict[str, dict[str, object]] = {}
        self._scopes_for: tuple[RuleScope, ...] = ()
        self.settings_version = 0  # of the settings in force; 0: none were ever set
        self._speakers: dict[str, Speaker] = {}
        self._plan(plans)
        self._scopes = Scopes(directory, self._rules, self._scopes_for)

    def speaker(self, device: str) -> Speaker:
        """Return who speaks through a device. One look-up for what every reading asks."""
        speaker = self._speakers.get(device)
        if speaker is None:
            found = self.directory.devices.get(device)
            subject = found.subject if found else Subject("device", device)
            caregiver = subject.id if subject.kind == "caregiver" else None
            speaker = Speaker(str(subject), found.kind if found else None, caregiver)
            self._speakers[device] = speaker
        return speaker

    def subject_of(self, device: str) -> str:
        """Return whom a device speaks for: its holder, or the device itself ("device:d-1")."""
        return self.speaker(device).subject

    def caregiver_of(self, device: str) -> str | None:
        """Return the id of the caregiver who holds a device, if one does."""
        return self.speaker(device).caregiver

    def settings(self, rule: Scoped[P], subject: str, by: str | None = None) -> P:
        """Return the parameters of a rule for a subject (and who acts for it).

        The narrowest scope wins. Raise CarewatchError for a parameter the rule does not have.
        """
        return self._scopes.settings(rule, subject, by)

    def settings_anywhere(self, rule: Scoped[P]) -> list[P]:
        """Return the parameters of a rule in the whole town, and as each scope would set them."""
        return self._scopes.anywhere(rule)

    def changed(self, change: TownChanged) -> None:
        """Take in a change of the town. Taking it in twice changes nothing more."""
        if change.timezone is not None:
            self.zone = ZoneInfo(change.timezone)
        self.directory = self.directory.changed(change.register)
        self._plan(change.plans)
        self._speakers.clear()
        self.deadlines.clear()
        for client in change.register.clients:
            self.visit_index.moved(client.id, self.directory)
        for key in change.register.removed.get("clients", ()):
            self.visit_index.moved(key, self.directory)
        self._scopes = Scopes(self.directory, self._rules, self._scopes_for)

    def plans(self) -> PlanSet:
        """Return the plans and settings as they are now."""
        return PlanSet(
            zones=tuple(self.fences.values()),
            conditions=tuple(self.conditions.values()),
            visits=tuple(self.visit_plans.values()),
            rules=self._rules,
            rules_for=self._scopes_for,
            settings_version=self.settings_version,
        )

    def _plan(self, plans: PlanSet) -> None:
        """Take in new and changed plans, and take out those removed."""
        for key in plans.removed.get("visits", ()):
            self._visit(key, None)
        for visit in plans.visits:
            self._visit(visit.id, visit)
        for key in plans.removed.get("conditions", ()):
            self.conditions.pop(key, None)
        self.conditions.update({condition.id: condition for condition in plans.conditions})
        self.conditions = dict(sorted(self.conditions.items()))
        for key in plans.removed.get("zones", ()):
            self._fence(key, None)
        for zone in plans.zones:
            self._fence(zone.id, zone)
        if plans.rules is not None:
            self._rules = plans.rules
        if plans.rules_for is not None:
            self._scopes_for = plans.rules_for
        if plans.settings_version is not None:
            self.settings_version = plans.settings_version

    def _visit(self, key: str, plan: PlannedVisit | None) -> None:
        """Put a visit's plan in the place of the one before; None takes it out."""
        before = self.visit_plans.pop(key, None)
        if before is not None and before.caregiver is not None:
            del self.rounds[before.caregiver][key]
        if plan is None:
            return
        self.visit_plans[key] = plan
        if plan.caregiver is not None:
            self.rounds.setdefault(plan.caregiver, {})[key] = plan

    def _fence(self, key: str, zone: Zone | None) -> None:
        """Put a zone in the place of the one before; None takes it out."""
        before = self.fences.pop(key, None)
        if before is not None:
            left = tuple(k for k in self.fences_of[before.owner] if k != key)
            self.fences_of[before.owner] = left
        if zone is not None:
            self.fences[key] = zone
            self.fences_of[zone.owner] = tuple(sorted((*self.fences_of.get(zone.owner, ()), key)))
