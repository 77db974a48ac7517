"""Whom a terminal saw, and where."""

from alerts.town.town import Town
from devices.directory import Circle
from devices.readings import FaceSeen
from devices.subject import Subject

LIVE = "face"  # cards, palms and pins can be lent; a face before a camera cannot


def is_live_face(face: FaceSeen) -> bool:
    """Return True for a living face. A terminal that says nothing of liveness is believed."""
    return face.method == LIVE and face.alive is not False


def person_seen(face: FaceSeen, town: Town) -> str | None:
    """Return the subject ("resident:r-1", "caregiver:g-1") of the person code; None if nobody's.

    A code is a resident's (`Directory.resident_seen`), else an id of ours.
    """
    code, directory = face.person, town.directory
    if code is None:
        return None
    resident = directory.resident_seen(Subject.parse(town.subject_of(face.device)), code)
    if resident is not None:
        return str(Subject("resident", resident.id))
    if code in directory.caregivers:
        return str(Subject("caregiver", code))
    return str(Subject("client", code)) if code in directory.clients else None


def place_of(device: str, town: Town) -> Circle | None:
    """Return where a terminal is: the home of its facility or client, if the register says so."""
    return town.directory.home_of(Subject.parse(town.subject_of(device)))
