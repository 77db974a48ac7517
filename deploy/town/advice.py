"""What is allowed in a town file and yet will probably disappoint: warnings, never faults."""

from collections.abc import Iterator
from typing import Any

from alerts.town.geometry import metres
from alerts.types import Ladder, Staff
from alerts.visits.calendar import is_empty
from deploy.town.draft import Draft
from deploy.town.typed import Wrong

SMALLEST_HOME = 75  # metres; homes drawn smaller flap with ordinary phone accuracy
NURSING_RADIUS = 3_000  # metres from a caregiver's base to a client


def advice(draft: Draft) -> Iterator[Wrong]:
    """Yield warnings with the place in the file that they are about."""
    for section in ("clients", "facilities"):
        for number, item in draft[section].items():
            if item.home is not None and item.home.radius < SMALLEST_HOME:
                path = (section, number, "home", "radius")
                yield path, f"{item.home.radius:g} m is small: phones will seem to come and go"
    for number in draft.no_ground:
        yield ("areas", number, "boundary"), "it encloses no ground (no polygon), so it is left out"
    yield from _visits(draft)
    for number, device in draft["devices"].items():
        yield from _contract_topic(device, number)
    for number, person in draft["people"].items():
        if person.role == "vendor" and not (person.vendor or person.areas or person.agency):
            yield ("people", number), "a vendor that names no `vendor` sees every maker's devices"
    for number, rota in draft["rotas"].items():
        if not rota.people:
            yield ("rotas", number), "nobody is in it: rungs that page it are skipped"
    yield from _ladders(draft)


def _visits(draft: Draft) -> Iterator[Wrong]:
    clients = {client.id: client for client in draft["clients"].values()}
    bases = {giver.id: giver.base for giver in draft["caregivers"].values()}
    far: set[tuple[str, str]] = set()
    for number, visit in draft["visits"].items():
        if visit.minutes * 60 > (visit.end - visit.start).total_seconds():
            yield ("visits", number, "minutes"), "more than the window holds"
        if is_empty(visit, draft.zone):
            yield ("visits", number, "rrule"), "no day fits it from `start` on: nothing is planned"
        home, base = clients[visit.client].home, bases.get(visit.caregiver)
        if home is None:
            yield ("visits", number, "client"), f"{visit.client} has no home: no phone can prove it"
        elif base is not None and (visit.client, visit.caregiver) not in far:
            way = metres(home.lat, home.lon, base.lat, base.lon)
            if way > NURSING_RADIUS:
                far.add((visit.client, visit.caregiver))
                said = f"{way / 1000:.1f} km from {visit.caregiver}'s base to {visit.client}'s home"
                yield ("visits", number, "caregiver"), said


def _contract_topic(device: Any, number: int) -> Iterator[Wrong]:
    if not (device.topic or "").startswith("carewatch/v1/"):
        return
    last = device.topic.rsplit("/", 1)[-1]
    if last != device.id:
        text = f"on a contract topic the last part is the device's id, but {last!r} is not"
        yield ("devices", number, "topic"), f"{text} {device.id!r}"


def _ladders(draft: Draft) -> Iterator[Wrong]:
    people = {person.id: person for person in draft["people"].values()}
    rotas = {rota.id: rota.people for rota in draft["rotas"].values()}
    paged: set[str] = set()
    for number, ladder in draft["ladders"].items():
        if not any(rung.page for rung in ladder.rungs):
            yield ("ladders", number), "it pages nobody"
        for n, rung in enumerate(ladder.rungs):
            for m, target in enumerate(rung.page):
                found = _meant(target, people, rotas)
                paged.update(found)
                if not found and not target.startswith("rota:"):
                    yield ("ladders", number, "rungs", n, "page", m), f"nobody is {target}"
    yield from _life(draft)
    for number, person in draft["people"].items():
        if person.id in paged and not person.contacts:
            yield ("people", number), "is paged by a ladder and has no contact"


def _meant(
    target: str, people: dict[str, Staff], rotas: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return everyone whom a rung's target can mean, wherever the alert is."""
    if target.startswith("rota:"):
        return rotas.get(target.removeprefix("rota:"), ())
    if target == "agency":
        return tuple(p.id for p in people.values() if p.role == "on_call" and p.agency)
    if target.startswith("role:"):
        role = target.removeprefix("role:").removesuffix("@parent")
        return tuple(person.id for person in people.values() if person.role == role)
    return (target,)


def _life(draft: Draft) -> Iterator[Wrong]:
    if any(_serves_sos(ladder) for ladder in draft["ladders"].values()):
        return
    if draft["clients"] or draft["residents"]:
        text = "no ladder serves sos_pressed everywhere: on-call people, then managers are paged"
        yield ("ladders",), text


def _serves_sos(ladder: Ladder) -> bool:
    fit = ladder.for_
    named = not fit.rules or "sos_pressed" in fit.rules
    severe = not fit.severities or "life" in fit.severities
    return named and severe and not fit.areas and not fit.agencies
