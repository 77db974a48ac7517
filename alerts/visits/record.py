"""From a visit's plan and its evidence, at one moment, to its record."""

from datetime import datetime, timedelta

import msgspec

from alerts.town.deadlines import Deadlines, Terms
from alerts.town.town import Town
from alerts.types import Evidence, VisitGrade, VisitRecord, VisitStage
from alerts.visits.attendance import Attendance, attendance, contradicted, mark_facts
from alerts.visits.evidence import Seen
from alerts.visits.shares import Share, shared_out
from alerts.visits.stretches import Stretches, joined, longest_unseen, touches
from devices.subject import Subject

# A visit whose end is not seen is closed as unverified after 25 h: the longest visit that Sandata,
# a visit verification service, accepts.
CLOSED = timedelta(hours=25)


def concluded(record: VisitRecord, seen: Seen, when: Deadlines, town: Town) -> VisitRecord:
    """Return the record as the evidence shows it now. Its revision stays as it was."""
    record = msgspec.structs.replace(record, away=is_away(record, town))
    share = shared_out(record, seen, town.visit_index)
    came = who_came(record, share, when.terms, town.now)
    if came is None:
        return absent(record, share, when, town)
    state: VisitStage = "done" if came.ended else "begun"
    if came.ended is None and town.now >= came.began + CLOSED:
        state = "unverified"
    return msgspec.structs.replace(
        record,
        state=state,
        grade=came.grade,
        began=came.began,
        ended=came.ended,
        came=came.caregiver,
        present=came.present.total_seconds() / 60 if came.ended else None,
        evidence=came.evidence,
        reason="" if record.caregiver in (None, came.caregiver) else "substitute_came",
    )


def cancelled(record: VisitRecord) -> VisitRecord:
    """Return the record of a visit whose plan was taken away before it was over."""
    return bare(record, "cancelled", "plan_removed")


def who_came(record: VisitRecord, share: Share, terms: Terms, now: datetime) -> Attendance | None:
    """Return the planned caregiver's attendance if anything shows it, else the first other one."""
    people = {presence.caregiver for presence in share.seen.presences}
    people |= {mark.caregiver for mark in share.seen.marks}
    if record.caregiver in people:
        own = attendance(share, record.caregiver, terms, now, planned=True)
        if own is not None:
            return own
    others = (
        attendance(share, person, terms, now, planned=False)
        for person in people
        if person != record.caregiver
    )
    return min(filter(None, others), key=lambda one: (one.began, one.caregiver), default=None)


def absent(record: VisitRecord, share: Share, when: Deadlines, town: Town) -> VisitRecord:
    """Return the record of a visit that nothing shows to have begun."""
    waiting = bare(record, "due" if town.now >= record.start else "planned")
    if record.away:
        return bare(record, "cancelled", "client_away") if town.now >= when.missed else waiting
    if town.now >= when.missed:
        return missing(record, "missed", record.end, share, when, town)
    if town.now >= when.late and not at_the_door(share.seen, when.terms, town.now):
        return missing(record, "late", when.late, share, when, town)
    return waiting


def is_away(record: VisitRecord, town: Town) -> bool:
    """Return True if the visit's window touches an absence of the client."""
    client = town.directory.clients.get(record.client)
    absences = client.away if client is not None else ()
    return any(one.from_ < record.end and record.start < one.until for one in absences)


def missing(
    record: VisitRecord,
    state: VisitStage,
    until: datetime,
    share: Share,
    when: Deadlines,
    town: Town,
) -> VisitRecord:
    """Return the record of a visit that should have begun, judged up to a moment."""
    seen = share.seen
    marks = [mark for mark in seen.marks if mark.caregiver == record.caregiver]
    own = seen.presence(record.caregiver or "")
    faked = any(contradicted(mark, seen.elsewhere, own.sure) for mark in marks)
    grade: VisitGrade = "contradicted" if faked or seen.mock else "none"
    return msgspec.structs.replace(
        bare(record, state, reason_of(record, share, until, when.terms, town)),
        grade=grade,
        evidence=missing_facts(record, seen, until, when.terms),
    )


def bare(record: VisitRecord, state: VisitStage, reason: str = "") -> VisitRecord:
    """Return the record with nothing but its plan, a state and a reason."""
    return msgspec.structs.replace(
        record,
        state=state,
        reason=reason,
        grade="none",
        began=None,
        ended=None,
        came=None,
        present=None,
        evidence=(),
    )


def at_the_door(seen: Seen, terms: Terms, now: datetime) -> bool:
    """Return True if a phone is at the home that has not stayed long enough yet."""
    return fresh_until(seen, terms) > now


def fresh_until(seen: Seen, terms: Terms) -> datetime:
    """Return when no phone will have been heard at the home for a gap."""
    stretches = (
        stretch for presence in seen.presences for stretch in (*presence.sure, *presence.weak)
    )
    return max((stretch.last for stretch in stretches), default=terms.first) + terms.gap


def next_look(record: VisitRecord, seen: Seen, when: Deadlines, town: Town) -> datetime:
    """Return when time alone may change the record next."""
    looks = [record.start, when.late, when.missed, when.forgotten]
    if record.state == "begun" and record.began is not None:
        looks.append(record.began + CLOSED)
    if record.state in ("due", "late", "begun"):
        looks.append(fresh_until(seen, when.terms))
    return min(look for look in looks if look > town.now)


# ---------------------------------------------------------------- why nobody came


def reason_of(record: VisitRecord, share: Share, until: datetime, terms: Terms, town: Town) -> str:
    """Return why nothing shows the visit, as far as the phone can tell.

    A caregiver who was there and served another visit counts as elsewhere.
    """
    client = town.directory.clients.get(record.client)
    if client is None or client.home is None or not has_phone(record.caregiver, town):
        return "no_caregiver_data"
    seen = share.seen
    if seen.mock is not None:
        return "caregiver_mock"
    elsewhere = joined((*seen.elsewhere, *share.taken), terms.gap)
    if is_followed(record, elsewhere, until):
        return "caregiver_elsewhere"
    own = seen.presence(record.caregiver or "")
    heard = joined((*elsewhere, *own.sure, *own.weak, *seen.spoke), terms.gap)
    spoke = is_followed(record, heard, until)
    return "caregiver_unplaced" if spoke else "caregiver_silent"


def is_followed(record: VisitRecord, heard: Stretches, until: datetime) -> bool:
    """Return True if a phone was heard in the window and never lost for longer than a visit."""
    if not touches(heard, record.start, until):
        return False
    return longest_unseen(heard, record.start, until) <= timedelta(minutes=record.minutes)


def has_phone(caregiver: str | None, town: Town) -> bool:
    """Return True if the caregiver has a phone; a device of no stated kind may be one."""
    held = town.directory.held_by(Subject("caregiver", caregiver)) if caregiver else ()
    return any(device.kind in (None, "phone") for device in held)


def missing_facts(
    record: VisitRecord, seen: Seen, until: datetime, terms: Terms
) -> tuple[Evidence, ...]:
    """Return what was seen instead of the visit, and what was looked for and missing."""
    facts: list[Evidence] = []
    away = [part for part in seen.elsewhere if part.last >= record.start and part.first <= until]
    if away:
        device, reading = away[0].first_fix
        facts.append(Evidence(what="elsewhere", at=away[0].first, device=device, id=reading))
        facts.append(Evidence(what="elsewhere_until", at=min(away[-1].last, until), device=device))
    if seen.mock is not None:
        mock = seen.mock
        facts.append(Evidence(what="mock_position", at=mock.at, device=mock.device, id=mock.id))
    for person in sorted({mark.caregiver for mark in seen.marks}):
        marks = [mark for mark in seen.marks if mark.caregiver == person]
        facts += mark_facts(marks, seen, seen.presence(person), terms)
    minutes = terms.dwell.total_seconds() / 60
    facts.append(Evidence(what="no_stay", detail=f"no phone {minutes:g} min at the home"))
    if not any(mark.action == "check_in" for mark in seen.marks):
        facts.append(Evidence(what="no_check_in"))
    return tuple(facts)
