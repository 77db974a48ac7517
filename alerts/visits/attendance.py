"""From what was seen of a visit to who came, from when to when, and how sure that is.

Everything here is a sum over a set of readings: no order, no clock of its own.
"""

from datetime import datetime, timedelta

import msgspec

from alerts.town.deadlines import Terms
from alerts.town.visits_at import Place
from alerts.types import Evidence, VisitGrade
from alerts.visits.stretches import (
    Stretch,
    Stretches,
    covers,
    joined,
    left_after,
    time_in,
    touches,
    with_fix,
    within,
)

KEPT = 64  # marks and door openings kept a visit: the first ones
STEADY = timedelta(seconds=120)  # so long elsewhere shows that somebody has left


class Mark(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """A step of the visit that somebody's app marked."""

    at: datetime
    id: str
    device: str
    caregiver: str
    action: str


class Opening(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """The home's door opened (or, for `mock`, a phone admitted to a made-up place)."""

    at: datetime
    id: str
    device: str


class Presence(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """When one caregiver's phone was at the home."""

    caregiver: str
    sure: Stretches = ()
    weak: Stretches = ()  # by fixes without a good accuracy


class Seen(msgspec.Struct, frozen=True, gc=False):
    """All evidence of one visit, in a form that does not depend on the order it came in."""

    presences: tuple[Presence, ...] = ()  # by caregiver
    elsewhere: Stretches = ()  # the planned caregiver's phone, surely not at the home
    marks: tuple[Mark, ...] = ()
    doors: tuple[Opening, ...] = ()
    mock: Opening | None = None  # the first made-up fix at the home
    spoke: Stretches = ()  # by our clock: the planned caregiver's phone was heard, and not placed

    def presence(self, caregiver: str) -> Presence:
        for presence in self.presences:
            if presence.caregiver == caregiver:
                return presence
        return Presence(caregiver)


class Attendance(msgspec.Struct, frozen=True):
    """One caregiver was there."""

    caregiver: str
    began: datetime
    ended: datetime | None  # None: no end seen
    present: timedelta  # from begin to end without the time seen elsewhere; zero without an end
    grade: VisitGrade
    evidence: tuple[Evidence, ...]


def with_position(
    seen: Seen, place: Place, caregiver: str, fix: tuple[datetime, str, str], gap: timedelta
) -> Seen:
    """The evidence with one more fix (its time, device and id). The same object: nothing new."""
    at, device, reading = fix
    if place == "mock":
        mock = min(filter(None, (seen.mock, Opening(at, reading, device))))
        return seen if mock == seen.mock else msgspec.structs.replace(seen, mock=mock)
    if place == "elsewhere":
        elsewhere = with_fix(seen.elsewhere, at, device, reading, gap)
        if elsewhere is seen.elsewhere:
            return seen
        return msgspec.structs.replace(seen, elsewhere=elsewhere)
    before = seen.presence(caregiver)
    was = before.sure if place == "home" else before.weak
    now = with_fix(was, at, device, reading, gap)
    if now is was:
        return seen
    sure, weak = (now, before.weak) if place == "home" else (before.sure, now)
    after = Presence(caregiver, sure, weak)
    others = [presence for presence in seen.presences if presence.caregiver != caregiver]
    presences = tuple(sorted([*others, after])) if others else (after,)
    return msgspec.structs.replace(seen, presences=presences)


def with_word(seen: Seen, heard_at: datetime, device: str, reading: str, gap: timedelta) -> Seen:
    """The evidence with one more word of the planned caregiver's phone that places it nowhere."""
    spoke = with_fix(seen.spoke, heard_at, device, reading, gap)
    return seen if spoke is seen.spoke else msgspec.structs.replace(seen, spoke=spoke)


def with_mark(seen: Seen, mark: Mark) -> Seen:
    """The evidence with one more mark; a repeat changes nothing."""
    if mark in seen.marks:
        return seen
    return msgspec.structs.replace(seen, marks=tuple(sorted((*seen.marks, mark)))[:KEPT])


def with_door(seen: Seen, door: Opening) -> Seen:
    """The evidence with one more opening of the door; a repeat changes nothing."""
    if door in seen.doors:
        return seen
    return msgspec.structs.replace(seen, doors=tuple(sorted((*seen.doors, door)))[:KEPT])


# ---------------------------------------------------------------- who came


def attendance(
    seen: Seen, caregiver: str, terms: Terms, now: datetime, *, planned: bool
) -> Attendance | None:
    """What shows that a caregiver was there; None when nothing does.

    A stay of `dwell` shows it, and so does a check-in or check-out backed by the phone or the
    door. The end is a check-out, or the last fix at the home once the phone is seen elsewhere (a
    substitute's phone, which is not followed further: once it is silent for a gap).
    """
    presence = seen.presence(caregiver)
    home = joined((*presence.sure, *presence.weak), terms.gap)
    stays = [stay for stay in home if within(stay, terms.first, terms.last) >= terms.dwell]
    marks = [mark for mark in seen.marks if mark.caregiver == caregiver]
    backed = [mark for mark in marks if backing(mark, seen, presence, terms)]
    if not stays and not backed:
        return None
    near = tuple(
        stay for stay in home if stay in stays or any(by(stay, mark, terms) for mark in backed)
    )
    began = min([*(stay.first for stay in near), *(mark.at for mark in backed)])
    elsewhere = seen.elsewhere if planned else ()
    ended = end_of(near, marks, began, elsewhere, now if not planned else None, terms)
    present = ended - began - time_in(elsewhere, began, ended, home) if ended else timedelta(0)
    sure = any(within(stay, terms.first, terms.last) >= terms.dwell for stay in presence.sure)
    sure = sure or any(backing(mark, seen, presence, terms) != "weak" for mark in backed)
    grade: VisitGrade = "verified" if sure and ended else "probable"
    check_ins = [mark for mark in marks if mark.action == "check_in"]
    if any(contradicted(mark, elsewhere, home) for mark in check_ins):
        grade = "contradicted"
    facts = (*stay_facts(near, caregiver, ended), *mark_facts(marks, seen, presence, terms))
    return Attendance(caregiver, began, ended, present, grade, facts)


def end_of(
    near: Stretches,
    marks: list[Mark],
    began: datetime,
    elsewhere: Stretches,
    now: datetime | None,
    terms: Terms,
) -> datetime | None:
    """When the visit ended, as far as it can be seen."""
    outs = [
        mark.at
        for mark in marks
        if mark.action == "check_out"
        and mark.at >= began
        and not contradicted(mark, elsewhere, near)
    ]
    if outs:
        return max(outs)
    last = max((stay.last for stay in near), default=began)
    if now is not None:
        return last if near and now - last >= terms.gap else None
    return last if left_after(elsewhere, last, STEADY) else None


def by(stay: Stretch, mark: Mark, terms: Terms) -> bool:
    return touches((stay,), mark.at - terms.gap, mark.at + terms.gap)


def backing(mark: Mark, seen: Seen, presence: Presence, terms: Terms) -> str:
    """What backs a check-in or check-out within a gap of it: phone, door, weak, or nothing."""
    if mark.action not in ("check_in", "check_out") or not terms.first <= mark.at <= terms.last:
        return ""
    around = (mark.at - terms.gap, mark.at + terms.gap)
    if touches(presence.sure, *around):
        return "phone"
    if any(around[0] <= door.at <= around[1] for door in seen.doors):
        return "door"
    return "weak" if touches(presence.weak, *around) else ""


def contradicted(mark: Mark, elsewhere: Stretches, home: Stretches) -> bool:
    """Was the phone elsewhere before and after the mark, and not at the home in between?"""
    return covers(elsewhere, mark.at) and not covers(home, mark.at)


# ---------------------------------------------------------------- the facts that counted


def stay_facts(near: Stretches, caregiver: str, ended: datetime | None) -> list[Evidence]:
    """The first fix of each stay, and the last of those that are over."""
    facts: list[Evidence] = []
    for n, stay in enumerate(near):
        device, reading = stay.first_fix
        detail = f"{caregiver} at the home from here"
        facts.append(
            Evidence(what="position", at=stay.first, device=device, id=reading, detail=detail)
        )
        if ended is not None or n < len(near) - 1:
            device, reading = stay.last_fix
            facts.append(
                Evidence(what="position", at=stay.last, device=device, id=reading, detail="until")
            )
    return facts


def mark_facts(marks: list[Mark], seen: Seen, presence: Presence, terms: Terms) -> list[Evidence]:
    """Each mark with what backs it, and the door openings that do."""
    facts: list[Evidence] = []
    for mark in marks:
        backed = backing(mark, seen, presence, terms)
        detail = f"backed by {backed}" if backed else "not backed by phone or door"
        facts.append(
            Evidence(what=mark.action, at=mark.at, device=mark.device, id=mark.id, detail=detail)
        )
        if backed == "door":
            facts += [
                Evidence(what="door", at=door.at, device=door.device, id=door.id)
                for door in seen.doors
                if abs(door.at - mark.at) <= terms.gap
            ]
    return facts
