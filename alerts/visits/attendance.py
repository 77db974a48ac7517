"""From what was seen of a visit to who came, from when to when, and how sure that is.

Everything here is a sum over a set of readings: no order, no clock of its own.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from alerts.town.deadlines import Terms
from alerts.types import Evidence, VisitGrade
from alerts.visits.evidence import Mark, Presence, Seen
from alerts.visits.shares import Share, without
from alerts.visits.stretches import (
    Stretch,
    Stretches,
    covers,
    joined,
    left_after,
    time_in,
    touches,
    within,
)

# So long elsewhere shows that somebody has left, as for a fence: our choice, against single fixes
# that jump.
STEADY = timedelta(seconds=120)
Backing = Literal["phone", "door", "weak"]  # "weak": a phone without a good accuracy


class Attendance(msgspec.Struct, frozen=True):
    """One caregiver was there."""

    caregiver: str
    began: datetime
    ended: datetime | None  # None: no end seen
    present: timedelta  # from begin to end without the time seen elsewhere; zero without an end
    grade: VisitGrade
    evidence: tuple[Evidence, ...]


def attendance(
    share: Share, caregiver: str, terms: Terms, now: datetime, *, planned: bool
) -> Attendance | None:
    """Return what shows that a caregiver was there, or None if nothing does.

    A stay of `dwell` shows it, and so does a check-in or check-out backed by the phone or the
    door. Only the `planned` caregiver's phone is followed elsewhere.
    """
    seen = share.seen
    presence, whole = seen.presence(caregiver), share.whole.presence(caregiver)
    home = joined((*whole.sure, *whole.weak), terms.gap)
    home = without(home, share.spans.get(caregiver, ()))
    presence = Presence(caregiver, presence.sure, home)  # no fix is cut off from its stretch
    elsewhere = seen.elsewhere if planned else ()
    marks = [mark for mark in seen.marks if mark.caregiver == caregiver]
    backed = backed_marks(marks, seen, presence, terms)
    stays = stays_of_visit(home, backed, terms)
    if not stays and not backed:
        return None
    began = min([*(stay.first for stay in stays), *(mark.at for mark in backed)])
    ended = checked_out(marks, began, elsewhere, stays)
    if ended is None:
        ended = seen_leaving(stays, began, elsewhere, now if not planned else None, terms)
    is_verified = ended is not None and is_sure(presence, backed, terms)
    return Attendance(
        caregiver,
        began,
        ended,
        present=time_there(began, ended, elsewhere, home),
        grade=graded(marks, elsewhere, home, is_verified=is_verified),
        evidence=(
            *stay_facts(stays, caregiver, ended),
            *mark_facts(marks, seen, presence, terms),
        ),
    )


# ---------------------------------------------------------------- what counts


def backed_marks(
    marks: Iterable[Mark], seen: Seen, presence: Presence, terms: Terms
) -> dict[Mark, Backing]:
    """Return the marks that something backs, each with what does."""
    found = ((mark, backing(mark, seen, presence, terms)) for mark in marks)
    return {mark: backed for mark, backed in found if backed is not None}


def backing(mark: Mark, seen: Seen, presence: Presence, terms: Terms) -> Backing | None:
    """Return what backs a check-in or check-out within a gap of it, the surest first."""
    if mark.action not in ("check_in", "check_out") or not terms.first <= mark.at <= terms.last:
        return None
    around = (mark.at - terms.gap, mark.at + terms.gap)
    if touches(presence.sure, *around):
        return "phone"
    if any(around[0] <= door.at <= around[1] for door in seen.doors):
        return "door"
    return "weak" if touches(presence.weak, *around) else None


def stays_of_visit(home: Stretches, backed: Iterable[Mark], terms: Terms) -> Stretches:
    """Return the stays at the home that belong to the visit: long enough, or beside a mark."""
    return tuple(
        stay
        for stay in home
        if is_long(stay, terms) or any(is_beside(stay, mark, terms) for mark in backed)
    )


def is_long(stay: Stretch, terms: Terms) -> bool:
    """Return True if a stay, as far as it lies in the visit's time, is long enough to be one."""
    return within(stay, terms.first, terms.last) >= terms.dwell


def is_beside(stay: Stretch, mark: Mark, terms: Terms) -> bool:
    """Return True if a stay is within a gap of a mark."""
    return touches((stay,), mark.at - terms.gap, mark.at + terms.gap)


# ---------------------------------------------------------------- when it ended, how sure it is


def checked_out(
    marks: Iterable[Mark], began: datetime, elsewhere: Stretches, stays: Stretches
) -> datetime | None:
    """Return the last check-out that the phone does not contradict, if there is one."""
    return max(
        (
            mark.at
            for mark in marks
            if mark.action == "check_out"
            and mark.at >= began
            and not contradicted(mark, elsewhere, stays)
        ),
        default=None,
    )


def seen_leaving(
    stays: Stretches, began: datetime, elsewhere: Stretches, now: datetime | None, terms: Terms
) -> datetime | None:
    """Return the last fix at the home once the phone is seen elsewhere; None before that.

    With `now`, of a phone that is not followed elsewhere: once it has been silent for a gap.
    """
    last = max((stay.last for stay in stays), default=began)
    if now is not None:
        return last if stays and now - last >= terms.gap else None
    return last if left_after(elsewhere, last, STEADY) else None


def time_there(
    began: datetime, ended: datetime | None, elsewhere: Stretches, home: Stretches
) -> timedelta:
    """Return the time from begin to end without the time seen elsewhere; zero without an end."""
    if ended is None:
        return timedelta(0)
    return ended - began - time_in(elsewhere, began, ended, home)


def graded(
    marks: Iterable[Mark], elsewhere: Stretches, home: Stretches, *, is_verified: bool
) -> VisitGrade:
    """Return how sure the attendance is; a check-in that the phone contradicts spoils it."""
    check_ins = (mark for mark in marks if mark.action == "check_in")
    if any(contradicted(mark, elsewhere, home) for mark in check_ins):
        return "contradicted"
    return "verified" if is_verified else "probable"


def is_sure(presence: Presence, backed: Mapping[Mark, Backing], terms: Terms) -> bool:
    """Return True if good fixes show a stay, or anything but weak ones backs a mark."""
    stayed = any(is_long(stay, terms) for stay in presence.sure)
    return stayed or any(what != "weak" for what in backed.values())


def contradicted(mark: Mark, elsewhere: Stretches, home: Stretches) -> bool:
    """Return True if the phone was elsewhere before and after a mark, not at home in between."""
    return covers(elsewhere, mark.at) and not covers(home, mark.at)


# ---------------------------------------------------------------- the facts that counted


def stay_facts(stays: Stretches, caregiver: str, ended: datetime | None) -> list[Evidence]:
    """Return the first fix of each stay, and the last of those that are over."""
    facts: list[Evidence] = []
    for n, stay in enumerate(stays):
        device, reading = stay.first_fix
        detail = f"{caregiver} at the home from here"
        facts.append(
            Evidence(
                what="position", at=stay.first, device=device, id=reading or None, detail=detail
            )
        )
        if ended is not None or n < len(stays) - 1:
            device, reading = stay.last_fix
            facts.append(
                Evidence(
                    what="position", at=stay.last, device=device, id=reading or None, detail="until"
                )
            )
    return facts


def mark_facts(marks: list[Mark], seen: Seen, presence: Presence, terms: Terms) -> list[Evidence]:
    """Return each mark with what backs it, and the door openings that do."""
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
