"""Nobody has surely been with a client for too many days.

Raises when the last verified contact lies more `days` back than the client's care level allows;
without any contact, counted from when the client was first known. A contact is
- a visit whose record is graded verified or probable (its end, or its beginning while it runs);
- an unplanned check-in for the client with an opening of a door of the home within 15 minutes;
- a live face of the client at a terminal (a day centre).
A check-in alone is somebody's word and no contact. A visit whose grade is taken back (evidence to
the contrary came) counts no more. Days in which the client is `away` do not count and the days
begin anew at the return. Clears with the next contact (`contact`), with one of before the alert
that comes late (`late_evidence`), when the client turns out to be away (`away`), when level or
settings allow it (`settings`) and when the client leaves the register (`client_removed`).
"""

from collections.abc import Iterable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from alerts.rule import (
    NO_TIMER,
    UNCHANGED,
    Begun,
    Change,
    Forget,
    Keep,
    Rule,
    Verdict,
)
from alerts.rules.shared.absence import is_away, overdue_at
from alerts.rules.shared.affected import clients_of
from alerts.rules.shared.contacts import ContactState, Sign, heard, visited
from alerts.rules.shared.lateness import came_late, judged_at
from alerts.rules.shared.sighting import is_live_face, person_seen
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity
from alerts.visits.book import VISIT_BOOK, VisitSeen
from devices.readings import DoorMoved, FaceSeen, VisitMarked
from devices.subject import Subject


class LevelDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days by care level (自理, 半自理, 失能).

    One visit a month is what Dongli (Tianjin) asks for; the shorter ones are our choice.
    """

    independent: float = 31
    partial: float = 14
    full: float = 7


class ContactSettings(Parameters, frozen=True):
    """How long a client may be without a contact."""

    days: LevelDays = LevelDays()


class ContactRule(Rule[ContactState, ContactSettings, Sign, VisitSeen]):
    name = "contact_overdue"
    severity = Severity.MEDIUM
    needs = (VISIT_BOOK,)
    readings = (VisitMarked, DoorMoved, FaceSeen)
    events = (VisitSeen,)
    settings = ContactSettings
    state = ContactState

    def route_reading(self, reading: Sign, town: Town) -> Iterable[str]:
        match reading:
            case DoorMoved(open=True):
                subject: str | None = town.subject_of(reading.device)
            case VisitMarked(action="check_in", client=str(client)):
                subject = str(Subject("client", client))
            case FaceSeen() if is_live_face(reading):
                subject = person_seen(reading, town)
            case _:
                return ()
        return (subject,) if subject is not None and subject.startswith("client:") else ()

    def route_event(self, event: VisitSeen, town: Town) -> Iterable[str]:
        return (str(Subject("client", event.record.client)),)

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        return clients_of(change, town)

    def on_reading(
        self, key: str, state: ContactState | None, reading: Sign, town: Town
    ) -> Verdict[ContactState]:
        before = state or ContactState(since=town.now)
        return self._learnt(key, state, heard(before, reading), town)

    def on_event(
        self, key: str, state: ContactState | None, event: VisitSeen, town: Town
    ) -> Verdict[ContactState]:
        before = state or ContactState(since=town.now)
        return self._learnt(key, state, visited(before, event.record), town)

    def on_timer(self, key: str, state: ContactState, town: Town) -> Verdict[ContactState]:
        return self._judge(key, state, town, is_due=True)

    def on_change(
        self, key: str, state: ContactState | None, change: Change, town: Town
    ) -> Verdict[ContactState]:
        if state is None:
            return self._learnt(key, state, ContactState(since=town.now), town)
        if not is_registered(key, town):
            return Forget(self._cleared(key, state, "client_removed", town))
        return UNCHANGED if isinstance(change, Begun) else self._judge(key, state, town)

    def _learnt(
        self, key: str, before: ContactState | None, after: ContactState, town: Town
    ) -> Verdict[ContactState]:
        """Return what follows from facts about a client, if there is such a client and any fact."""
        if after is before or not is_registered(key, town):
            return UNCHANGED
        return self._judge(key, after, town)

    def _judge(
        self, key: str, state: ContactState, town: Town, *, is_due: bool = False
    ) -> Keep[ContactState]:
        """Return the verdict on a client's contacts; only a timer (`is_due`) raises."""
        limit = timedelta(days=self._days(key, town))
        due = overdue_at(state.contact or state.since, limit, key, town)
        if due > town.now:
            cleared = self._cleared(key, state, why_over(key, state, town), town)
            return Keep(replace(state, raised=None), due, cleared)
        if state.raised is not None:
            return Keep(state, NO_TIMER)
        if not is_due:
            return Keep(state, judged_at(due, town.now))
        raised = replace(state, raised=town.now, counted=state.contact)
        return Keep(raised, NO_TIMER, (self._raised(key, state, town),))

    def _days(self, key: str, town: Town) -> float:
        """Return how many days a client may be without a contact."""
        days = town.settings(self, key).days
        client = town.directory.client_of(Subject.parse(key))
        found: float = getattr(days, client.care_level if client else "independent")
        return found

    def _raised(self, key: str, state: ContactState, town: Town) -> Finding:
        """Return the finding that a client has had no contact for too long."""
        last = state.contact or state.since
        return self.finding(
            "raised",
            key,
            "overdue" if state.contact else "never_seen",
            f"no verified contact with {key} for {(town.now - last).days} days",
            town=town,
            evidence=(Evidence(what="last_contact" if state.contact else "no_contact", at=last),),
        )

    def _cleared(
        self, key: str, state: ContactState, reason: str, town: Town
    ) -> tuple[Finding, ...]:
        """Return the end of the alert, where one is open."""
        if state.raised is None:
            return ()
        proof = (Evidence(what="last_contact", at=state.contact),) if state.contact else ()
        detail = f"{key}: {OVER[reason]}"
        return (self.finding("cleared", key, reason, detail, town=town, evidence=proof),)


OVER = {
    "contact": "somebody was there",
    "late_evidence": "somebody had been there, as evidence shows that came late",
    "away": "known to be away",
    "settings": "level or settings allow it",
    "client_removed": "no longer registered",
}


def is_registered(key: str, town: Town) -> bool:
    """Return True if "client:c-1" is in the register."""
    return key.removeprefix("client:") in town.directory.clients


def why_over(key: str, state: ContactState, town: Town) -> str:
    """Return why an open alert ends."""
    if state.contact is not None and state.contact != state.counted:
        return "late_evidence" if came_late(state.contact, state.raised) else "contact"
    return "away" if is_away(key, town) else "settings"


CONTACT_OVERDUE = ContactRule()
