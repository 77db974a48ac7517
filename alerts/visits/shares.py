"""Which part of a caregiver's stay counts for which of several visits. Pure.

A minute serves one visit. Where windows overlap at homes that a fix can't tell apart, the visit
whose window comes first takes what its minutes need from the moment it began, and what is left
counts for the next. Two caregivers who are planned have a phone each, so each serves one visit.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from alerts.town.visits_at import LATE, VisitIndex
from alerts.types import VisitRecord
from alerts.visits.evidence import Presence, Seen
from alerts.visits.stretches import Stretch, Stretches

Span = tuple[datetime, datetime]


class Share(NamedTuple):
    """What was seen of a visit, and how much of it served visits that come before."""

    whole: Seen
    seen: Seen  # without what served others
    spans: Mapping[str, Sequence[Span]]  # by caregiver: when others were served
    taken: Stretches  # when the visit's own caregiver was there and served another


def order_of(visit: VisitRecord) -> tuple[datetime, datetime, str]:
    """Return what puts visits into the order in which they are served."""
    return (visit.start, visit.end, visit.id)


def spans_taken(record: VisitRecord, caregiver: str, index: VisitIndex) -> list[Span]:
    """Return when a caregiver served visits that come before this one."""
    visits = (index.visits[key] for key in index.served_by(caregiver) if key != record.id)
    mine = order_of(record)
    return [
        served(visit)
        for visit in visits
        if record.start < visit.end + LATE and order_of(visit) < mine
    ]


def served(visit: VisitRecord) -> Span:
    """Return from when to when a visit that has begun takes its caregiver's minutes."""
    assert visit.began is not None
    enough = visit.began + timedelta(minutes=visit.minutes)
    return (visit.began, min(enough, visit.ended or enough))


def behind(record: VisitRecord, index: VisitIndex) -> list[str]:
    """Return the visits to look at again when this one's record has changed, in their order."""
    mine = order_of(record)
    visits = (index.visits[key] for key in index.beside(record))
    later = [
        visit for visit in visits if visit.start < record.end + LATE and order_of(visit) > mine
    ]
    return [visit.id for visit in sorted(later, key=order_of)]


def shared_out(record: VisitRecord, seen: Seen, index: VisitIndex) -> Share:
    """Return the share of a visit in what was seen of it: mostly all of that."""
    people = {
        *(each.caregiver for each in seen.presences),
        *(mark.caregiver for mark in seen.marks),
    }
    spans = {person: spans_taken(record, person, index) for person in people}
    if not any(spans.values()):
        return Share(seen, seen, {}, ())
    free = (
        Presence(
            each.caregiver,
            without(each.sure, spans[each.caregiver]),
            without(each.weak, spans[each.caregiver]),
        )
        for each in seen.presences
    )
    own = seen.presence(record.caregiver or "")
    taken = within((*own.sure, *own.weak), spans.get(own.caregiver, []))
    left = tuple(each for each in free if each.sure or each.weak)
    return Share(seen, msgspec.structs.replace(seen, presences=left), spans, taken)


def without(stretches: Stretches, spans: Iterable[Span]) -> Stretches:
    """Return what is left of the stretches outside the spans."""
    left = stretches
    for begin, end in spans:
        left = tuple(piece for stretch in left for piece in cut(stretch, begin, end))
    return left


def cut(stretch: Stretch, begin: datetime, end: datetime) -> Stretches:
    """Return a stretch's parts before and behind a span. A fix of the span's end is behind it."""
    if stretch.last < begin or stretch.first >= end:
        return (stretch,)
    pieces = []
    if stretch.first < begin:
        pieces.append(Stretch(stretch.first, begin, stretch.first_fix, between(stretch)))
    if end < stretch.last:
        pieces.append(Stretch(end, stretch.last, between(stretch), stretch.last_fix))
    return tuple(pieces)


def between(stretch: Stretch) -> tuple[str, str]:
    """Return who was seen within a stretch; the fixes in it are not remembered one by one."""
    return (stretch.first_fix[0], "")


def within(stretches: Stretches, spans: Sequence[Span]) -> Stretches:
    """Return the parts of the stretches that lie in the spans."""
    return tuple(
        Stretch(first, last, stretch.first_fix, stretch.last_fix)
        for stretch in sorted(stretches)
        for begin, end in spans
        if (first := max(stretch.first, begin)) <= (last := min(stretch.last, end))
    )
