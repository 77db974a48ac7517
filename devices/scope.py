"""What part of the town somebody may see: areas with all below them, an agency, a maker's devices.

Pure.
"""

import msgspec

from devices.directory import Directory
from devices.subject import Subject


class Scope(msgspec.Struct, frozen=True):
    """Nothing named means the whole town; what is named must all hold."""

    areas: tuple[str, ...] = ()
    agency: str | None = None
    vendor: str | None = None  # devices of this maker alone, and nobody's person or place

    @property
    def whole(self) -> bool:
        """Return True if nothing is left out."""
        return not self.areas and self.agency is None and self.vendor is None


WHOLE = Scope()


def sees_subject(scope: Scope, directory: Directory, subject: Subject | None) -> bool:
    """Return True if a subject may be shown."""
    if scope.whole:
        return True
    if scope.vendor is not None:
        rest = Scope(scope.areas, scope.agency)
        return made_by(scope.vendor, directory, subject) and sees_subject(rest, directory, subject)
    return sees(scope, directory, directory.area_of(subject), directory.agency_of(subject))


def made_by(vendor: str, directory: Directory, subject: Subject | None) -> bool:
    """Return True if the subject is a registered device of this maker."""
    if subject is None or subject.kind not in ("device", "gateway"):
        return False
    device = directory.devices.get(subject.id)
    return device is not None and device.vendor == vendor


def sees(scope: Scope, directory: Directory, area: str | None, agency: str | None) -> bool:
    """Return True if what has this area and agency may be shown.

    Another agency's is hidden; what belongs to no agency is shown by area alone.

    What has no area (a caregiver) is shown by agency alone. What has neither is hidden. A maker
    is shown devices, and nothing by its place.
    """
    if scope.vendor is not None:
        return False
    if agency is not None and scope.agency is not None:
        return agency == scope.agency and (area is None or in_areas(scope, directory, area))
    return bool(scope.areas) and in_areas(scope, directory, area)


def in_areas(scope: Scope, directory: Directory, area: str | None) -> bool:
    """Return True if an area is one of the scope's or lies below one; any is, where it
    names none."""
    if not scope.areas:
        return True
    return any(node in scope.areas for node in directory.area_path(area))
