"""What is wrong with rotas, contacts and ladders before an alert finds it out. Pure.

Run daily by the watcher, by `carewatch doctor`, and for the desk.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from alerts.plans.roster import LAST_RESORT, Roster
from alerts.plans.rota import Shift, gaps
from alerts.types import Ladder, Role

AHEAD = timedelta(days=14)  # gaps are shown so long before they happen

FlawKind = Literal[
    "unknown_person",  # a rota or ladder names somebody who is not there
    "unknown_rota",
    "unknown_role",
    "empty_rota",
    "rota_gap",  # nobody is on call for a stretch ahead
    "empty_role",  # nobody has the role that a ladder pages
    "empty_agency",  # an agency without on-call people, and a ladder pages `agency`
    "empty_rung",
    "no_contact",  # somebody who may be paged has none
    "contact_failed",  # the last page by this contact failed for good
    "nobody_for_life",  # a life alert would reach nobody
]


class Flaw(msgspec.Struct, frozen=True):
    """One thing to mend."""

    kind: FlawKind
    where: str  # "ladder life, rung 2", "rota night", "person u-4"
    detail: str = ""
    since: datetime | None = None  # when the daily check first saw it; None: not yet

    @property
    def name(self) -> tuple[FlawKind, str, str]:
        """Return the key by which a flaw is recognised on another day."""
        return self.kind, self.where, self.detail


class FailedContact(msgspec.Struct, frozen=True):
    """A contact whose last page failed."""

    person: str
    contact: int  # its number among the person's contacts, from 0
    at: datetime
    error: str


def lint(roster: Roster, now: datetime, failed: Iterable[FailedContact] = ()) -> list[Flaw]:
    """Return everything that would keep a page from reaching somebody, in the next fortnight."""
    return [
        *_of_rotas(roster, now),
        *(flaw for ladder in roster.ladders.values() for flaw in _of_ladder(roster, ladder)),
        *_of_people(roster),
        *_of_life(roster),
        *(
            Flaw(
                "contact_failed", f"person {one.person}", f"contact {one.contact + 1}: {one.error}"
            )
            for one in failed
            if one.person in roster.people
        ),
    ]


def seen_since(found: Iterable[Flaw], before: Iterable[Flaw]) -> list[Flaw]:
    """Return what is found now, each with since when it was found before."""
    known = {flaw.name: flaw.since for flaw in before}
    return [msgspec.structs.replace(flaw, since=known.get(flaw.name)) for flaw in found]


def _of_rotas(roster: Roster, now: datetime) -> Iterator[Flaw]:
    for rota in roster.rotas.values():
        where = f"rota {rota.id}"
        if not rota.people:
            yield Flaw("empty_rota", where)
            continue
        for person in dict.fromkeys((*rota.people, *(swap.person for swap in rota.swaps))):
            if person not in roster.people:
                yield Flaw("unknown_person", where, person)
        for gap in gaps(rota, now, now + AHEAD, roster.zone):
            yield Flaw("rota_gap", where, _when(gap, roster, now))


def _of_ladder(roster: Roster, ladder: Ladder) -> Iterator[Flaw]:
    if not ladder.rungs:
        yield Flaw("empty_rung", f"ladder {ladder.id}", "it has no rungs")
    for number, rung in enumerate(ladder.rungs, 1):
        where = f"ladder {ladder.id}, rung {number}"
        if not rung.page:
            yield Flaw("empty_rung", where, "it pages nobody")
        for target in rung.page:
            yield from _of_target(roster, where, target)


def _of_target(roster: Roster, where: str, target: str) -> Iterator[Flaw]:
    kind, _, name = target.partition(":")
    role = name.partition("@")[0]
    if target == "agency":
        for agency in roster.directory.agencies:
            if not any(
                s.agency == agency.id and s.role == "on_call" for s in roster.people.values()
            ):
                yield Flaw("empty_agency", where, agency.id)
    elif kind == "rota" and name not in roster.rotas:
        yield Flaw("unknown_rota", where, name)
    elif kind == "role" and role not in get_args(Role):
        yield Flaw("unknown_role", where, role)
    elif kind == "role" and not any(staff.role == role for staff in roster.people.values()):
        yield Flaw("empty_role", where, role)
    elif kind not in ("rota", "role") and target not in roster.people:
        yield Flaw("unknown_person", where, target)


def _of_people(roster: Roster) -> Iterator[Flaw]:
    """Yield the people who may be paged and have no contact."""
    targets = {t for ladder in roster.ladders.values() for rung in ladder.rungs for t in rung.page}
    roles = {target.partition(":")[2].partition("@")[0] for target in targets}
    on_rota = {person for rota in roster.rotas.values() for person in rota.people}
    for staff in roster.people.values():
        is_meant = staff.id in targets or staff.id in on_rota or staff.role in roles
        if is_meant and not staff.contacts:
            yield Flaw("no_contact", f"person {staff.id}", staff.name)


def _of_life(roster: Roster) -> Iterator[Flaw]:
    if not roster.anyone():
        yield Flaw("nobody_for_life", "people", f"no {', '.join(LAST_RESORT)} with a contact")


def _when(gap: Shift, roster: Roster, now: datetime) -> str:
    """Return a gap in words that stay the same from day to day, as long as the gap does."""
    since, until = (_local(edge, roster) for edge in (gap.since, gap.until))
    if gap.until == now + AHEAD:
        return "without an end" if gap.since == now else f"from {since}"
    return f"until {until}" if gap.since == now else f"{since} to {until}"


def _local(moment: datetime, roster: Roster) -> str:
    return f"{moment.astimezone(roster.zone):%Y-%m-%d %H:%M}"
