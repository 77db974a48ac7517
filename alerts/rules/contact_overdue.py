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
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from alerts.rule import Begun, Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.rules.shared.absence import is_away, overdue_at
from alerts.rules.shared.affected import clients_of
from alerts.rules.shared.lateness import came_late, judged_at
from alerts.rules.shared.sighting import is_live_face, person_seen
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity, Stored, Tick, TownChanged, VisitRecord
from alerts.visits.book import VisitSeen
from devices.readings import DoorMoved, FaceSeen, Reading, VisitMarked

TOGETHER = timedelta(minutes=15)  # between a check-in and the door that backs it
KEPT = 4  # visits, check-ins and openings remembered a client


class LevelDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days by care level (自理, 半自理, 失能); one visit a month is the least anywhere."""

    independent: float = 31
    partial: float = 14
    full: float = 7


class ContactSettings(Parameters, frozen=True):
    days: LevelDays = LevelDays()


class ContactState(RuleState, frozen=True):
    since: datetime  # when the client was first known
    visits: dict[str, datetime] = {}  # visit id -> when somebody was there, the last few
    other: datetime | None = None  # the last contact that is no visit
    check_ins: tuple[datetime, ...] = ()
    openings: tuple[datetime, ...] = ()
    raised: datetime | None = None  # when it was said; None = nothing stands
    counted: datetime | None = None  # the last contact known then

    @property
    def contact(self) -> datetime | None:
        """The last verified contact."""
        return max((*self.visits.values(), *((self.other,) if self.other else ())), default=None)


class ContactRule(Rule[ContactState, ContactSettings]):
    name = "contact_overdue"
    severity = Severity.MEDIUM
    wants = (VisitSeen, VisitMarked, DoorMoved, FaceSeen)
    settings = ContactSettings
    state = ContactState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        match said:
            case VisitSeen():
                subject: str | None = f"client:{said.record.client}"
            case DoorMoved(open=True):
                subject = town.subject_of(said.device)
            case VisitMarked(action="check_in", client=str()):
                subject = f"client:{said.client}"
            case FaceSeen() if is_live_face(said):
                subject = person_seen(said, town)
            case _:
                return ()
        return (subject,) if subject is not None and subject.startswith("client:") else ()

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        return clients_of(change, town)

    def step(self, key: str, state: ContactState | None, felt: Felt, town: Town) -> Verdict | None:
        if key.removeprefix("client:") not in town.directory.clients:
            if state is None:
                return None
            return Verdict(None, self._cleared(key, state, "client_removed", town))
        if isinstance(felt, Begun) and state is not None:
            return None
        before = state or ContactState(since=town.now)
        after = before
        if isinstance(felt, VisitSeen):
            after = visited(before, felt.record)
        elif isinstance(felt, Stored):
            after = heard(before, felt.reading)
        if after is before and state is not None and isinstance(felt, Stored | RuleEvent):
            return None
        return self._judge(key, after, town, ripe=isinstance(felt, Tick))

    def _judge(self, key: str, state: ContactState, town: Town, *, ripe: bool = False) -> Verdict:
        limit = timedelta(days=self._days(key, town))
        last = state.contact or state.since
        due = overdue_at(last, limit, key, town)
        if due > town.now:
            cleared = self._cleared(key, state, why_over(key, state, town), town)
            return Verdict(replace(state, raised=None), cleared, wake_at=due)
        if state.raised is not None:
            return Verdict(state)
        if not ripe:
            return Verdict(state, wake_at=judged_at(due, town.now))
        raised = replace(state, raised=town.now, counted=state.contact)
        return Verdict(raised, (self._raised(key, state, town),))

    def _days(self, key: str, town: Town) -> float:
        days = town.settings(self, key).days
        client = town.directory.clients.get(key.removeprefix("client:"))
        found: float = getattr(days, client.care_level if client else "independent")
        return found

    def _raised(self, key: str, state: ContactState, town: Town) -> Finding:
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
        """The end of the alert, where one stands."""
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


def visited(state: ContactState, record: VisitRecord) -> ContactState:
    """The state with what a visit's record now says."""
    at = record.ended or record.began
    if at is None or record.grade not in ("verified", "probable"):
        if record.id not in state.visits:
            return state
        return replace(state, visits={k: v for k, v in state.visits.items() if k != record.id})
    if state.visits.get(record.id) == at:
        return state
    latest = sorted({**state.visits, record.id: at}.items(), key=lambda visit: visit[1])
    return replace(state, visits=dict(latest[-KEPT:]))


def heard(state: ContactState, said: Reading) -> ContactState:
    """The state with one more check-in, opening or face; the same if it changes nothing."""
    if isinstance(said, FaceSeen):
        return contacted(state, said.at)
    check_ins, openings = state.check_ins, state.openings
    if isinstance(said, VisitMarked):
        check_ins = latest_of(check_ins, said.at)
    elif isinstance(said, DoorMoved):
        openings = latest_of(openings, said.at)
    if (check_ins, openings) == (state.check_ins, state.openings):
        return state
    state = replace(state, check_ins=check_ins, openings=openings)
    backed = [at for at in check_ins if any(abs(at - door) <= TOGETHER for door in openings)]
    return contacted(state, max(backed)) if backed else state


def contacted(state: ContactState, at: datetime) -> ContactState:
    if state.other is not None and state.other >= at:
        return state
    return replace(state, other=at)


def latest_of(moments: tuple[datetime, ...], moment: datetime) -> tuple[datetime, ...]:
    """The last few of these moments with one more."""
    return tuple(sorted({*moments, moment}))[-KEPT:]


def why_over(key: str, state: ContactState, town: Town) -> str:
    """Why an alert that stands does so no longer."""
    if state.contact is not None and state.contact != state.counted:
        return "late_evidence" if came_late(state.contact, state.raised) else "contact"
    return "away" if is_away(key, town) else "settings"


CONTACT_OVERDUE = ContactRule()
