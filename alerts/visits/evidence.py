"""What was seen of a visit: a set of readings, in a form that no order of theirs changes."""

from datetime import datetime, timedelta

import msgspec

from alerts.town.visits_at import Place
from alerts.visits.stretches import Stretches, with_fix

# Marks and door openings kept a visit, the first ones: a visit has a dozen, a broken contact
# thousands. Our choice.
KEPT = 64


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
        """Return when a caregiver's phone was at the home; an empty presence if it never was."""
        for presence in self.presences:
            if presence.caregiver == caregiver:
                return presence
        return Presence(caregiver)


def with_position(
    seen: Seen, place: Place, caregiver: str, fix: tuple[datetime, str, str], gap: timedelta
) -> Seen:
    """Return the evidence with one more fix (time, device, id); the same object if no news."""
    at, device, reading = fix
    if place == "mock":
        mock = min(filter(None, (seen.mock, Opening(at, reading, device))))
        return seen if mock == seen.mock else msgspec.structs.replace(seen, mock=mock)
    if place == "elsewhere":
        elsewhere = with_fix(seen.elsewhere, at, device, reading, gap)
        if elsewhere is seen.elsewhere:
            return seen
        return Seen(seen.presences, elsewhere, seen.marks, seen.doors, seen.mock, seen.spoke)
    before = seen.presence(caregiver)
    was = before.sure if place == "home" else before.weak
    now = with_fix(was, at, device, reading, gap)
    if now is was:
        return seen
    sure, weak = (now, before.weak) if place == "home" else (before.sure, now)
    after = Presence(caregiver, sure, weak)
    others = [presence for presence in seen.presences if presence.caregiver != caregiver]
    presences = tuple(sorted([*others, after])) if others else (after,)
    return Seen(presences, seen.elsewhere, seen.marks, seen.doors, seen.mock, seen.spoke)


def with_contact(seen: Seen, heard_at: datetime, device: str, reading: str, gap: timedelta) -> Seen:
    """Return the evidence with one more sign of the caregiver's phone that places it nowhere."""
    spoke = with_fix(seen.spoke, heard_at, device, reading, gap)
    return seen if spoke is seen.spoke else msgspec.structs.replace(seen, spoke=spoke)


def with_mark(seen: Seen, mark: Mark) -> Seen:
    """Return the evidence with one more mark; a repeat changes nothing."""
    if mark in seen.marks:
        return seen
    return msgspec.structs.replace(seen, marks=tuple(sorted((*seen.marks, mark)))[:KEPT])


def with_door(seen: Seen, door: Opening) -> Seen:
    """Return the evidence with one more opening of the door; a repeat changes nothing."""
    if door in seen.doors:
        return seen
    return msgspec.structs.replace(seen, doors=tuple(sorted((*seen.doors, door)))[:KEPT])
