"""Whom a terminal saw, and where."""

from alerts.town.town import Town
from devices.directory import Circle
from devices.readings import FaceSeen

LIVE = "face"  # cards, palms and pins can be lent; a face before a camera cannot


def is_live_face(said: FaceSeen) -> bool:
    """A living face. A terminal that says nothing of liveness is believed."""
    return said.method == LIVE and said.alive is not False


def person_seen(said: FaceSeen, town: Town) -> str | None:
    """The subject ("resident:r-1", "caregiver:g-1") meant by the person code; None: nobody known.

    A code is first read as the terminal's own facility uses it, then as the one resident in town
    who has it (homes share terminals), then as an id of ours.
    """
    code, directory = said.person, town.directory
    if code is None:
        return None
    facility = town.subject_of(said.device).removeprefix("facility:")
    resident = directory.resident_by_face(facility, code)
    anywhere = directory.residents_by_face(code)
    if resident is None and len(anywhere) == 1:
        resident = anywhere[0]
    if resident is None:
        resident = directory.residents.get(code)
    if resident is not None:
        return f"resident:{resident.id}"
    if code in directory.caregivers:
        return f"caregiver:{code}"
    return f"client:{code}" if code in directory.clients else None


def place_of(device: str, town: Town) -> Circle | None:
    """Where a terminal stands: the home of its facility or client, where the register says so."""
    what, _, key = town.subject_of(device).partition(":")
    if what == "facility":
        facility = town.directory.facilities.get(key)
        return facility.home if facility else None
    client = town.directory.clients.get(key) if what == "client" else None
    return client.home if client else None
