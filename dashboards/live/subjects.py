"""What the register knows of the one an alert speaks of ("client:c-1", "device:d-1", ...)."""

import msgspec
from msgspec.structs import replace

from devices.directory import Area, Caregiver, Circle, Client, Device, Directory, Resident
from devices.subject import Kind, Subject


class About(msgspec.Struct, frozen=True, kw_only=True):
    """A subject in words that a page can show. Unmasked: mask at the page's door."""

    kind: Kind
    id: str
    name: str = ""  # the person's, place's or area's own name
    area: str | None = None
    area_name: str = ""
    place: Circle | None = None  # where to go, WGS-84
    address: str = ""
    phone: str = ""
    client: Client | None = None  # set where the subject is, or belongs to, a client


def about(directory: Directory, subject: Subject) -> About:
    """Return what is known of a subject; of one that is not registered, its kind and id alone.

    A device is known by its holder.
    """
    item = directory.item_of(subject)
    if isinstance(item, Device):
        return _device(directory, subject, item)
    area = directory.area_of(subject)
    known = About(
        kind=subject.kind,
        id=subject.id,
        name=directory.name_of(subject),
        area=area,
        area_name=_area_name(directory, area),
        place=directory.home_of(subject),
    )
    match item:
        case Client():
            return replace(known, address=item.address, phone=item.phone, client=item)
        case Caregiver():
            return replace(known, place=item.base, phone=item.phone)
        case Resident():
            facility = Subject("facility", item.facility)
            return replace(known, address=directory.name_of(facility))
        case Area():
            return replace(known, name=known.area_name)
    return known


def _device(directory: Directory, subject: Subject, device: Device) -> About:
    if subject.kind == "gateway" or device.subject.kind == "device":
        area = directory.area_of(subject)
        area_name = _area_name(directory, area)
        return About(kind=subject.kind, id=subject.id, area=area, area_name=area_name)
    return replace(about(directory, device.subject), kind="device", id=subject.id)


def _area_name(directory: Directory, area: str | None) -> str:
    node = directory.areas.get(area)
    return node.name or node.id if node else ""
