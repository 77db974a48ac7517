"""Whom an alert can be sent to: people, rotas and ladders as a frozen snapshot.

A target of a rung is a person's id, `rota:ID`, `role:NAME` (of the alert's area or the nearest
above), `role:NAME@parent` (of the nearest area above the alert's own), or `agency` (the on-call
people of the alert's agency).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from alerts.plans.rota import on_call
from alerts.types import Alert, Contact, Ladder, PlanSet, Role, Rota, Rung, Severity, Staff
from devices.directory import Directory
from devices.subject import Subject

Listed = TypeVar("Listed", Staff, Rota, Ladder)
DEFAULT_LADDER = Ladder(
    id="default",
    rungs=(Rung(after=0, page=("role:on_call",)), Rung(after=60, page=("role:manager",))),
    repeat=60,
)  # for a life alert that no ladder of the town fits; 60 s is the telecare line (97.5 % answered)
LAST_RESORT: tuple[Role, ...] = ("on_call", "manager", "admin", "operator")


class Roster(msgspec.Struct, frozen=True):
    """The people, rotas and ladders of a moment, with the register they refer to."""

    directory: Directory
    zone: ZoneInfo  # the town's
    people: Mapping[str, Staff] = {}
    rotas: Mapping[str, Rota] = {}
    ladders: Mapping[str, Ladder] = {}  # in the order in which they are tried
    agency_of_client: Mapping[str, str] = {}  # client id -> agency id, by the visits planned

    def changed(self, plans: PlanSet) -> "Roster":
        """Return the snapshot after a change of plans; this one stays as it was."""
        gone = plans.removed
        return msgspec.structs.replace(
            self,
            people=_changed(self.people, plans.people, gone.get("people", ())),
            rotas=_changed(self.rotas, plans.rotas, gone.get("rotas", ())),
            ladders=_changed(self.ladders, plans.ladders, gone.get("ladders", ())),
            agency_of_client={**self.agency_of_client, **self._agencies(plans)},
        )

    def within(self, directory: Directory, zone: ZoneInfo) -> "Roster":
        """Return the same people over a newer register."""
        return msgspec.structs.replace(self, directory=directory, zone=zone)

    def agency_for(self, subject: Subject) -> str | None:
        """Return the agency answerable for a subject, by the register, else by its visits."""
        agency = self.directory.agency_of(subject)
        if agency is None and subject.kind == "client":
            return self.agency_of_client.get(subject.id)
        return agency

    def caregiver_of(self, person: str) -> str:
        """Return who a person is among the caregivers: the one named, else the one of
        the same id."""
        staff = self.people.get(person)
        return (staff.caregiver if staff else None) or person

    def ladder_for(
        self, rule: str, severity: Severity, area: str | None, agency: str | None
    ) -> Ladder | None:
        """Return the first ladder that fits. A life alert always has one; others may have none."""
        areas = self.directory.area_path(area)
        for ladder in self.ladders.values():
            if _fits(ladder, rule, severity, areas, agency):
                return ladder
        return DEFAULT_LADDER if severity is Severity.LIFE else None

    def reached_by(self, target: str, alert: Alert, now: datetime) -> tuple[str, ...]:
        """Return the people a target means for this alert at a moment; empty when there
        is nobody."""
        kind, _, name = target.partition(":")
        if target == "agency":
            return self._agency_on_call(alert.agency)
        if kind == "rota":
            rota = self.rotas.get(name)
            person = on_call(rota, now, self.zone) if rota else None
            return (person,) if person and person in self.people else ()
        if kind == "role":
            role, _, level = name.partition("@")
            return self._of_role(role, alert, above=level == "parent")
        return (target,) if target in self.people else ()

    def anyone(self) -> tuple[str, ...]:
        """Return whom to page when a life alert's own ladder reaches nobody: the first role that
        can."""
        for role in LAST_RESORT:
            found = self._with_role(role)
            if any(self.people[person].contacts for person in found):
                return found
        return ()

    def contacts_of(
        self, person: str, now: datetime, *, at_any_hour: bool
    ) -> list[tuple[int, Contact]]:
        """Return a person's contacts that serve now, in order, with their numbers.

        With `at_any_hour` those outside their hours follow: a life alert waits for no morning.
        """
        staff = self.people.get(person)
        numbered = list(enumerate(staff.contacts)) if staff else []
        serving = [item for item in numbered if is_within(item[1].hours, now, self.zone)]
        if not at_any_hour:
            return serving
        return serving + [item for item in numbered if item not in serving]

    def _agencies(self, plans: PlanSet) -> dict[str, str]:
        caregivers = self.directory.caregivers
        served = ((plan.client, caregivers.get(plan.caregiver)) for plan in plans.visits)
        return {client: who.agency for client, who in served if who and who.agency}

    def _agency_on_call(self, agency: str | None) -> tuple[str, ...]:
        if agency is None:
            return ()
        return tuple(
            staff.id
            for staff in self.people.values()
            if staff.role == "on_call" and staff.agency == agency
        )

    def _with_role(self, role: str) -> tuple[str, ...]:
        return tuple(staff.id for staff in self.people.values() if staff.role == role)

    def _of_role(self, role: str, alert: Alert, *, above: bool) -> tuple[str, ...]:
        """Return the nearest level that has anyone; people without areas serve the whole town."""
        candidates = [self.people[person] for person in self._with_role(role)]
        path = self.directory.area_path(alert.area)
        for area in path[1:] if above else path:
            found = tuple(staff.id for staff in candidates if area in staff.areas)
            if found:
                return found
        whole_town = tuple(staff.id for staff in candidates if not staff.areas)
        if whole_town or path:
            return whole_town
        same_agency = tuple(s.id for s in candidates if alert.agency and s.agency == alert.agency)
        return same_agency or tuple(staff.id for staff in candidates)


def is_within(hours: str | None, now: datetime, zone: ZoneInfo) -> bool:
    """Return True if a moment is within "08:00-20:00" of the town's day.

    None is always; a span may run over midnight.
    """
    if hours is None:
        return True
    first, _, last = hours.partition("-")
    since, until = _time_of_day(first), _time_of_day(last)
    local = now.astimezone(zone).time()
    if since <= until:
        return since <= local < until
    return local >= since or local < until


def roster_of(directory: Directory, plans: PlanSet, zone: ZoneInfo) -> Roster:
    """Return the first snapshot."""
    return Roster(directory, zone).changed(plans)


def _time_of_day(text: str) -> time:
    text = text.strip()
    return time.max if text == "24:00" else time.fromisoformat(text)


def _fits(
    ladder: Ladder, rule: str, severity: Severity, areas: tuple[str, ...], agency: str | None
) -> bool:
    wanted = ladder.for_
    return (
        (not wanted.rules or rule in wanted.rules)
        and (not wanted.severities or severity in wanted.severities)
        and (not wanted.areas or any(area in wanted.areas for area in areas))
        and (not wanted.agencies or agency in wanted.agencies)
    )


def _changed(
    before: Mapping[str, Listed], items: Iterable[Listed], gone: Iterable[str]
) -> dict[str, Listed]:
    out = set(gone)
    kept = {key: item for key, item in before.items() if key not in out}
    return {**kept, **{item.id: item for item in items}}
