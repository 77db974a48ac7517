"""What the register knows of the one an alert speaks of ("client:c-1", "device:d-1", ...)."""

import msgspec

from devices.directory import Circle, Client, Directory


class About(msgspec.Struct, frozen=True, kw_only=True):
    """A subject in words that a page can show. Unmasked: mask at the page's door."""

    kind: str  # client caregiver resident facility device area
    id: str
    name: str = ""  # the person's, place's or area's own name
    area: str | None = None
    area_name: str = ""
    place: Circle | None = None  # where to go, WGS-84
    address: str = ""
    phone: str = ""
    client: Client | None = None  # set where the subject is, or belongs to, a client


def about(directory: Directory, subject: str) -> About:
    """What is known; an id the register does not hold gives its kind and id alone."""
    kind, _, key = subject.partition(":")
    area = directory.area_of(subject)
    node = directory.areas.get(area)
    known = About(kind=kind, id=key, area=area, area_name=node.name or node.id if node else "")
    match kind:
        case "client":
            return _client(known, directory.clients.get(key))
        case "caregiver":
            return _caregiver(known, directory, key)
        case "facility":
            return _facility(known, directory, key)
        case "resident":
            return _resident(known, directory, key)
        case "device":
            return _device(known, directory, key)
        case "area":
            return msgspec.structs.replace(known, name=known.area_name)
    return known


def _client(known: About, client: Client | None) -> About:
    if client is None:
        return known
    return msgspec.structs.replace(
        known,
        name=client.name,
        place=client.home,
        address=client.address,
        phone=client.phone,
        client=client,
    )


def _caregiver(known: About, directory: Directory, key: str) -> About:
    caregiver = directory.caregivers.get(key)
    if caregiver is None:
        return known
    return msgspec.structs.replace(
        known, name=caregiver.name, place=caregiver.base, phone=caregiver.phone
    )


def _facility(known: About, directory: Directory, key: str) -> About:
    facility = directory.facilities.get(key)
    if facility is None:
        return known
    return msgspec.structs.replace(known, name=facility.name, place=facility.home)


def _resident(known: About, directory: Directory, key: str) -> About:
    resident = directory.residents.get(key)
    if resident is None:
        return known
    home = directory.facilities.get(resident.facility)
    place, address = (home.home, home.name) if home else (None, "")
    return msgspec.structs.replace(known, name=resident.name, place=place, address=address)


def _device(known: About, directory: Directory, key: str) -> About:
    device = directory.devices.get(key)
    if device is None or not device.holder or device.holder.startswith("device:"):
        return known
    holder = about(directory, device.holder)
    return msgspec.structs.replace(holder, kind="device", id=key)
