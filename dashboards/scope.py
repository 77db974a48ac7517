"""What a person or a screen may see of alerts, mutes and visits, by their part of the town."""

from alerts.types import Alert, Muted, Staff, VisitRecord
from devices.directory import Directory
from devices.scope import WHOLE, Scope, sees, sees_subject
from devices.subject import Subject

__all__ = (
    "WHOLE",
    "Scope",
    "scope_of",
    "sees_alert",
    "sees_mute",
    "sees_subject",
    "sees_visit",
)


def scope_of(staff: Staff, directory: Directory | None) -> Scope:
    """Return what a person answers for by the town file.

    Whoever has every area that lies in no other has the whole town, and with it what has no
    area of its own: caregivers, their phones. Whoever names a vendor sees its devices alone.
    """
    if staff.vendor is not None:
        return Scope(areas=staff.areas, agency=staff.agency, vendor=staff.vendor)
    roots = [area.id for area in directory.areas if area.parent is None] if directory else []
    if staff.agency is None and roots and set(roots) <= set(staff.areas):
        return WHOLE
    return Scope(areas=staff.areas, agency=staff.agency)


def sees_alert(scope: Scope, directory: Directory, alert: Alert) -> bool:
    """Return True if an alert may be shown."""
    if scope.whole:
        return True
    subject = Subject.parse(alert.subject)
    area = alert.area or directory.area_of(subject)
    return sees(scope, directory, area, alert.agency or directory.agency_of(subject))


def sees_mute(scope: Scope, directory: Directory, muted: Muted) -> bool:
    """Return True if a mute may be shown, and ended; one of the whole town is for who sees all of
    it."""
    if scope.whole:
        return True
    if muted.subject:
        return sees_subject(scope, directory, Subject.parse(muted.subject))
    return muted.area is not None and sees_subject(scope, directory, Subject("area", muted.area))


def sees_visit(scope: Scope, directory: Directory, visit: VisitRecord) -> bool:
    """Return True if a visit may be shown: by its client's area and its caregiver's agency."""
    if scope.whole:
        return True
    client = Subject("client", visit.client)
    caregiver = Subject("caregiver", visit.caregiver) if visit.caregiver else None
    agency = directory.agency_of(caregiver) or directory.agency_of(client)
    return sees(scope, directory, directory.area_of(client), agency)
