"""What part of the town somebody may see: areas with all below them, an agency. Pure."""

import msgspec

from devices.directory import Directory
from devices.subject import Subject


class Scope(msgspec.Struct, frozen=True):
    """No areas and no agency means the whole town; both given means both must hold."""

    areas: tuple[str, ...] = ()
    agency: str | None = None

    @property
    def whole(self) -> bool:
        """Return True if nothing is left out."""
        return not self.areas and self.agency is None


WHOLE = Scope()


def sees_subject(scope: Scope, directory: Directory, subject: Subject | None) -> bool:
    """Return True if a subject may be shown."""
    if scope.whole:
        return True
    return sees(scope, directory, directory.area_of(subject), directory.agency_of(subject))


def sees(scope: Scope, directory: Directory, area: str | None, agency: str | None) -> bool:
    """Return True if what has this area and agency may be shown.

    Another agency's is hidden; what belongs to no agency is shown by area alone.

    What has no area (a caregiver) is shown by agency alone. What has neither is hidden.
    """
    if agency is not None and scope.agency is not None:
        return agency == scope.agency and (area is None or in_areas(scope, directory, area))
    return bool(scope.areas) and in_areas(scope, directory, area)


def in_areas(scope: Scope, directory: Directory, area: str | None) -> bool:
    """Return True if an area is one of the scope's or lies below one; any is, where it
    names none."""
    if not scope.areas:
        return True
    return any(node in scope.areas for node in directory.area_path(area))
