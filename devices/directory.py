"""The register as plain values: who is cared for, by whom, where, and with which devices.

A `Directory` is a frozen snapshot. `changed()` gives the next one and leaves this one as it
was; one changed device costs one small dictionary entry, not a copy of a million.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from core.shelf import Shelf
from devices.subject import Kind, Subject

CareLevel = Literal["independent", "partial", "full"]
DeviceKind = Literal["phone", "door", "sos", "terminal", "sensor"]
Datum = Literal["wgs84", "gcj02", "bd09"]


class Circle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A round place on WGS-84."""

    lat: float  # degrees
    lon: float  # degrees
    radius: float = 150.0  # metres


class Area(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One node of the four levels: county > district > township > village grid."""

    id: str
    name: str = ""
    parent: str | None = None
    boundary: dict[str, object] | None = None  # GeoJSON geometry, lon/lat, WGS-84


class Agency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation that employs caregivers."""

    id: str
    name: str = ""


class Away(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which a client is known not to be at home."""

    from_: datetime = msgspec.field(name="from")
    until: datetime
    reason: str = ""


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person cared for at home."""

    id: str
    name: str = ""
    area: str | None = None
    care_level: CareLevel = "independent"
    home: Circle | None = None
    address: str = ""
    phone: str = ""
    born: int | None = None  # year
    sex: Literal["f", "m"] | None = None
    lives_alone: bool | None = None
    agency: str | None = None
    away: tuple[Away, ...] = ()


class Caregiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person who visits clients for an agency."""

    id: str
    name: str = ""
    agency: str | None = None
    phone: str = ""
    base: Circle | None = None


class Facility(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A nursing home or day centre."""

    id: str
    name: str = ""
    area: str | None = None
    agency: str | None = None
    home: Circle | None = None


class Resident(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person who lives in a facility."""

    id: str
    facility: str
    name: str = ""
    face: str | None = None  # the person code that terminals send


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One registered device."""

    id: str
    kind: DeviceKind | None = None
    holder: str | None = None  # a `Subject` of a `HolderKind` as text: "client:c-1"
    topic: str | None = None  # where another family's device speaks; contract devices need none
    datum: Datum | None = None  # what its coordinates are in, where the message does not say
    timezone: str | None = None  # IANA name for zone-less times; the town's zone when None
    sos_press: tuple[str, ...] | None = None  # actions of a many-way button that mean SOS
    gateway: str | None = None  # the device through which it speaks, and without which it can't
    vendor: str = ""  # whose make it is: people of this vendor see it on the console
    model: str = ""
    firmware: str = ""
    maintenance: bool = False

    @property
    def subject(self) -> Subject:
        """Return whom or what its readings are about: its holder, or the device itself."""
        return Subject.parse(self.holder) if self.holder else Subject("device", self.id)


Item = Area | Agency | Client | Caregiver | Facility | Resident | Device
SECTIONS: dict[str, type[Item]] = {
    "areas": Area,
    "agencies": Agency,
    "clients": Client,
    "caregivers": Caregiver,
    "facilities": Facility,
    "residents": Resident,
    "devices": Device,
}
SECTION_OF: dict[Kind, str] = {
    "client": "clients",
    "caregiver": "caregivers",
    "resident": "residents",
    "facility": "facilities",
    "device": "devices",
    "gateway": "devices",
    "area": "areas",
    "agency": "agencies",
}


class RegisterChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one load or one edit changed in the register: whole new items, and ids taken out."""

    areas: tuple[Area, ...] = ()
    agencies: tuple[Agency, ...] = ()
    clients: tuple[Client, ...] = ()
    caregivers: tuple[Caregiver, ...] = ()
    facilities: tuple[Facility, ...] = ()
    residents: tuple[Resident, ...] = ()
    devices: tuple[Device, ...] = ()
    removed: dict[str, tuple[str, ...]] = {}  # section name -> ids


class Directory:
    """A frozen snapshot of the register with the look-ups that admission and rules need.

    `changed(change)` returns the next snapshot; this one stays as it was.
    """

    __slots__ = (
        "_behind",
        "_by_code",
        "_by_face",
        "_by_topic",
        "_held",
        "_like",
        "_nodes",
        "_topics_like",
        "agencies",
        "areas",
        "caregivers",
        "clients",
        "devices",
        "facilities",
        "residents",
        "timezone",
    )

    def __init__(self, timezone: str = "Asia/Shanghai") -> None:
        self.timezone = timezone  # IANA name of the town's zone
        self.areas: Shelf[Area] = Shelf()
        self.agencies: Shelf[Agency] = Shelf()
        self.clients: Shelf[Client] = Shelf()
        self.caregivers: Shelf[Caregiver] = Shelf()
        self.facilities: Shelf[Facility] = Shelf()
        self.residents: Shelf[Resident] = Shelf()
        self.devices: Shelf[Device] = Shelf()
        self._by_topic: Shelf[str] = Shelf()  # registered topic -> device id
        self._held: Shelf[tuple[str, ...]] = Shelf()  # holder -> device ids
        self._behind: Shelf[tuple[str, ...]] = Shelf()  # gateway -> device ids
        self._like: Shelf[tuple[str, ...]] = Shelf()  # id in small letters -> ids with capitals
        self._topics_like: Shelf[tuple[str, ...]] = Shelf()  # the same of topics -> ids
        self._nodes: Shelf[tuple[str, ...]] = Shelf()  # node with many entities -> ids
        self._by_face: Shelf[str] = Shelf()  # "facility/face code" -> resident id
        self._by_code: Shelf[tuple[str, ...]] = Shelf()  # face code -> resident ids

    def changed(self, change: RegisterChange) -> "Directory":
        """Return the snapshot after `change`. O(size of the change), not of the register."""
        nxt = Directory(self.timezone)
        for section in SECTIONS:
            items = {item.id: item for item in getattr(change, section)}
            gone = dict.fromkeys(change.removed.get(section, ()))
            setattr(nxt, section, getattr(self, section).changed({**gone, **items}))
        nxt._by_topic = self._reindexed_topics(change)
        nxt._held = self._regrouped(self._held, change, lambda device: device.holder)
        nxt._like = self._regrouped(self._like, change, lambda device: _small(device.id))
        nxt._topics_like = self._regrouped(
            self._topics_like, change, lambda device: _small(device.topic or "")
        )
        nxt._nodes = self._regrouped(
            self._nodes, change, lambda device: node_of(device.topic or "")
        )
        nxt._behind = self._regrouped(self._behind, change, lambda device: device.gateway)
        nxt._by_face = self._reindexed_faces(change)
        nxt._by_code = self._reindexed_codes(change)
        return nxt

    def device_on(self, topic: str) -> Device | None:
        """Return the device registered with exactly this topic."""
        key = self._by_topic.get(topic)
        return None if key is None else self.devices.get(key)

    def device_like(self, name: str) -> Device | None:
        """Return the device whose id differs from this name in capitals at most."""
        small = name.casefold()
        return self.devices.get(small) or self.devices.get(_first(self._like.get(small)))

    def device_on_like(self, topic: str) -> Device | None:
        """Return the device whose topic differs from this one in capitals at most."""
        small = topic.casefold()
        return self.device_on(small) or self.devices.get(_first(self._topics_like.get(small)))

    def on_node(self, node: str) -> tuple[str, ...]:
        """Return the ids of the devices on an entity of a node: `{node}/binary_sensor/...`."""
        return self._nodes.get(node) or ()

    def held_by(self, holder: Subject | str) -> tuple[Device, ...]:
        """Return the devices of a holder, or of a holder's text, in the order registered."""
        found = (self.devices.get(key) for key in self._held.get(str(holder)) or ())
        return tuple(device for device in found if device is not None)

    def behind(self, gateway: str) -> tuple[str, ...]:
        """Return the ids of the devices that speak through a gateway, those behind a further one
        not."""
        return self._behind.get(gateway) or ()

    def gateways_of(self, device: str) -> tuple[str, ...]:
        """Return the gateways a device speaks through, nearest first.

        A cycle ends where it closes.
        """
        path: list[str] = []
        known = self.devices.get(device)
        while known is not None and known.gateway and known.gateway not in path:
            path.append(known.gateway)
            known = self.devices.get(known.gateway)
        return tuple(path)

    def resident_by_face(self, facility: str, code: str) -> Resident | None:
        """Return the resident that a terminal of this facility means by a person code."""
        return self.residents.get(self._by_face.get(f"{facility}/{code}"))

    def residents_by_face(self, code: str) -> tuple[Resident, ...]:
        """Return all residents with a person code; facilities may use a code twice."""
        found = (self.residents.get(key) for key in self._by_code.get(code) or ())
        return tuple(resident for resident in found if resident is not None)

    def resident_seen(self, place: Subject, code: str) -> Resident | None:
        """Return the resident that a terminal means by a person code.

        A code is first read as the facility at `place` uses it, then as the one resident in town
        who has it (homes share terminals), then as an id of ours.
        """
        resident = self.resident_by_face(place.id, code) if place.kind == "facility" else None
        anywhere = self.residents_by_face(code)
        if resident is None and len(anywhere) == 1:
            resident = anywhere[0]
        return resident or self.residents.get(code)

    def item_of(self, subject: Subject | None) -> Item | None:
        """Return what the register holds under a subject's id, None where it holds nothing."""
        if subject is None or subject.kind not in SECTION_OF:
            return None
        shelf: Shelf[Item] = getattr(self, SECTION_OF[subject.kind])
        return shelf.get(subject.id)

    def served_by(self, subject: Subject | None) -> Item | None:
        """Return whose home, area and agency a subject shares: itself, for most.

        A device shares those of its holder, a resident those of the facility.
        """
        if subject is None:
            return None
        if subject.kind == "client":  # most are: rules ask this for each reading
            return self.clients.get(subject.id)
        item = self.item_of(subject)
        if isinstance(item, Device) and item.holder:
            holder = item.subject
            return None if holder.kind == "device" else self.served_by(holder)
        return self.facilities.get(item.facility) if isinstance(item, Resident) else item

    def client_of(self, subject: Subject | None) -> Client | None:
        """Return the client that a subject is, or who holds it."""
        item = self.served_by(subject)
        return item if isinstance(item, Client) else None

    def name_of(self, subject: Subject | None) -> str:
        """Return the name of a person, facility, area or agency; "" where none is known."""
        item = self.item_of(subject)
        return "" if item is None or isinstance(item, Device) else item.name

    def home_of(self, subject: Subject | None) -> Circle | None:
        """Return where one goes to help: a client's home or a facility.

        A caregiver has none: their base is where they start from, not where they are.
        """
        item = self.served_by(subject)
        return item.home if isinstance(item, (Client, Facility)) else None

    def area_of(self, subject: Subject | None) -> str | None:
        """Return the id of the area a subject lies in, a gateway with all that it speaks for."""
        if subject is not None and subject.kind == "area":
            return subject.id
        if subject is not None and subject.kind == "gateway":
            return self._area_of_gateway(subject.id)
        item = self.served_by(subject)
        return item.area if isinstance(item, (Client, Facility)) else None

    def agency_of(self, subject: Subject | None) -> str | None:
        """Return the id of the agency answerable for a subject, where the register names one."""
        if subject is not None and subject.kind == "agency":
            return subject.id
        item = self.served_by(subject)
        return item.agency if isinstance(item, (Client, Caregiver, Facility)) else None

    def area_path(self, area: str | None) -> tuple[str, ...]:
        """Return the area and all above it, nearest first. A cycle ends where it closes."""
        path: list[str] = []
        while area is not None and area not in path:
            path.append(area)
            node = self.areas.get(area)
            area = node.parent if node else None
        return tuple(path)

    def _area_of_gateway(self, gateway: str) -> str | None:
        """Return the smallest area that holds the gateway and all that speaks through it."""
        areas = (self.area_of(Subject("device", key)) for key in self._through(gateway))
        paths = [self.area_path(area) for area in dict.fromkeys(areas) if area]
        shared = set(paths[0]).intersection(*paths[1:]) if paths else set()
        return next((area for area in paths[0] if area in shared), None) if paths else None

    def _through(self, gateway: str) -> dict[str, None]:
        """Return a gateway and the ids of all that speaks through it, also through further
        gateways."""
        found = {gateway: None}
        open_ends = [gateway]
        while open_ends:
            new = [key for key in self.behind(open_ends.pop()) if key not in found]
            found.update(dict.fromkeys(new))
            open_ends += new
        return found

    def _reindexed_topics(self, change: RegisterChange) -> Shelf[str]:
        topics: dict[str, str | None] = {}
        for key in (*change.removed.get("devices", ()), *(one.id for one in change.devices)):
            before = self.devices.get(key)
            if before is not None and before.topic:
                topics[before.topic] = None
        topics.update({device.topic: device.id for device in change.devices if device.topic})
        return self._by_topic.changed(topics)

    def _regrouped(
        self,
        groups: Shelf[tuple[str, ...]],
        change: RegisterChange,
        group_of: Callable[[Device], str | None],
    ) -> Shelf[tuple[str, ...]]:
        """Return the devices by what they have in common, in the order they were registered."""
        changed: dict[str, dict[str, None]] = {}

        def members(group: str) -> dict[str, None]:
            if group not in changed:
                changed[group] = dict.fromkeys(groups.get(group) or ())
            return changed[group]

        for key in (*change.removed.get("devices", ()), *(one.id for one in change.devices)):
            before = self.devices.get(key)
            group = group_of(before) if before is not None else None
            if group:
                members(group).pop(key, None)
        for device in change.devices:
            if group := group_of(device):
                members(group)[device.id] = None
        return groups.changed({group: tuple(found) or None for group, found in changed.items()})

    def _reindexed_faces(self, change: RegisterChange) -> Shelf[str]:
        faces: dict[str, str | None] = {}
        gone = change.removed.get("residents", ())
        for key in (*gone, *(resident.id for resident in change.residents)):
            before = self.residents.get(key)
            if before is not None and before.face is not None:
                faces[f"{before.facility}/{before.face}"] = None
        for resident in change.residents:
            if resident.face is not None:
                faces[f"{resident.facility}/{resident.face}"] = resident.id
        return self._by_face.changed(faces)

    def _reindexed_codes(self, change: RegisterChange) -> Shelf[tuple[str, ...]]:
        codes: dict[str, tuple[str, ...] | None] = {}

        def known_by(code: str) -> tuple[str, ...]:
            return (codes[code] if code in codes else self._by_code.get(code)) or ()

        gone = change.removed.get("residents", ())
        for key in (*gone, *(resident.id for resident in change.residents)):
            before = self.residents.get(key)
            if before is not None and before.face is not None:
                left = tuple(k for k in known_by(before.face) if k != key)
                codes[before.face] = left or None
        for resident in change.residents:
            if resident.face is not None:
                codes[resident.face] = (*known_by(resident.face), resident.id)
        return self._by_code.changed(codes)


ENTITIES = ("/binary_sensor/", "/sensor/", "/event/")  # ESPHome's, below the node's own topic


def node_of(topic: str) -> str | None:
    """Return the node that an entity's topic belongs to; None for any other topic."""
    found = (topic.partition(entity)[0] for entity in ENTITIES if entity in topic)
    return next(found, None)


def _small(name: str) -> str | None:
    """The name in small letters; None where it is so written, and found without this."""
    small = name.casefold()
    return small if small != name else None


def _first(keys: tuple[str, ...] | None) -> str | None:
    return keys[0] if keys else None
