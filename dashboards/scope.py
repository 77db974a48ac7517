"""What part of the town a person or a screen may see: areas with all below them, an agency."""

import msgspec

from alerts.types import Alert, Muted, Staff, VisitRecord
from devices.directory import Directory


class Scope(msgspec.Struct, frozen=True):
    """No areas and no agency means the whole town; both given means both must hold."""

    areas: tuple[str, ...] = ()
    agency: str | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.areas and self.agency is None


WHOLE = Scope()


def scope_of(staff: Staff, directory: Directory | None) -> Scope:
    """What a person answers for by the town file.

    Whoever has every area that lies in no other has the whole town, and with it what has no
    area of its own: caregivers, their phones.
    """
    roots = [area.id for area in directory.areas if area.parent is None] if directory else []
    if staff.agency is None and roots and set(roots) <= set(staff.areas):
        return WHOLE
    return Scope(areas=staff.areas, agency=staff.agency)


def sees_alert(scope: Scope, directory: Directory, alert: Alert) -> bool:
    """Whether an alert may be shown."""
    if scope.whole:
        return True
    area = alert.area or directory.area_of(alert.subject)
    return _sees(scope, directory, area, alert.agency or directory.agency_of(alert.subject))


def sees_subject(scope: Scope, directory: Directory, subject: str | None) -> bool:
    """Whether a holder ("client:c-1") or device ("device:d-1") may be shown."""
    if scope.whole:
        return True
    return _sees(scope, directory, directory.area_of(subject), directory.agency_of(subject))


def sees_mute(scope: Scope, directory: Directory, muted: Muted) -> bool:
    """Whether a mute may be shown, and ended; one of the whole town is for who sees all of it."""
    subject = muted.subject or (f"area:{muted.area}" if muted.area else None)
    return scope.whole or (subject is not None and sees_subject(scope, directory, subject))


def sees_visit(scope: Scope, directory: Directory, visit: VisitRecord) -> bool:
    """Whether a visit may be shown: by its client's area and its caregiver's agency."""
    if scope.whole:
        return True
    client = f"client:{visit.client}"
    agency = directory.agency_of(f"caregiver:{visit.caregiver}") or directory.agency_of(client)
    return _sees(scope, directory, directory.area_of(client), agency)


def _sees(scope: Scope, directory: Directory, area: str | None, agency: str | None) -> bool:
    """Another agency's is hidden; what belongs to no agency is shown by area alone.

    What has no area (a caregiver) is shown by agency alone. What has neither is hidden.
    """
    if agency is not None and scope.agency is not None:
        return agency == scope.agency and (area is None or _in_areas(scope, directory, area))
    return bool(scope.areas) and _in_areas(scope, directory, area)


def _in_areas(scope: Scope, directory: Directory, area: str | None) -> bool:
    if not scope.areas:
        return True
    return any(node in scope.areas for node in directory.area_path(area))
