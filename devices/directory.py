"""The register as plain values: who is cared for, by whom, where, and with which devices.

A `Directory` is a frozen snapshot. `changed()` gives the next one and leaves this one as it
was; one changed device costs one small dictionary entry, not a copy of a million.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec

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
    holder: str | None = None  # "client:c-1", "caregiver:g-1", "resident:r-1", "facility:f-1"
    topic: str | None = None  # where another family's device speaks; contract devices need none
    datum: Datum | None = None  # what its coordinates are in, where the message does not say
    timezone: str | None = None  # IANA name for zone-less times; the town's zone when None
    sos_press: tuple[str, ...] | None = None  # actions of a many-way button that mean SOS
    model: str = ""
    firmware: str = ""
    maintenance: bool = False


V = TypeVar("V")
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


class Shelf(Generic[V]):
    """An immutable mapping that shares its bulk with the snapshot it came from.

    `changed` costs what has changed since the last merge, not the whole size; a lookup tries
    the small patch first. The patch is merged when it outgrows a sixteenth of the base.
    """

    __slots__ = ("_base", "_patch")

    def __init__(self, base: Mapping[str, V] | None = None) -> None:
        self._base: Mapping[str, V] = base if base is not None else {}
        self._patch: dict[str, V | None] = {}

    def get(self, key: str | None) -> V | None:
        if key is None:
            return None
        if self._patch and key in self._patch:
            return self._patch[key]
        return self._base.get(key)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        return len(self._base) + sum(
            (now is not None) - (key in self._base) for key, now in self._patch.items()
        )

    def __iter__(self) -> Iterator[V]:
        """The values, in the order they were first put in."""
        for key, item in self._base.items():
            kept = self._patch.get(key, item) if self._patch else item
            if kept is not None:
                yield kept
        for key, added in self._patch.items():
            if added is not None and key not in self._base:
                yield added

    def changed(self, changes: Mapping[str, V | None]) -> "Shelf[V]":
        """The next snapshot: values put in by key, None takes a key out."""
        if not changes:
            return self
        patch = {**self._patch, **changes}
        nxt: Shelf[V] = Shelf(self._base)
        if len(patch) * 16 <= len(self._base):
            nxt._patch = patch
            return nxt
        merged: dict[str, V] = dict(self._base)
        for key, value in patch.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = value
        nxt._base = merged
        return nxt


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
        "_by_code",
        "_by_face",
        "_by_topic",
        "_held",
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
        self._by_face: Shelf[str] = Shelf()  # "facility/face code" -> resident id
        self._by_code: Shelf[tuple[str, ...]] = Shelf()  # face code -> resident ids

    def changed(self, change: RegisterChange) -> "Directory":
        """The snapshot after `change`. O(size of the change), not of the register."""
        nxt = Directory(self.timezone)
        for section in SECTIONS:
            items = {item.id: item for item in getattr(change, section)}
            gone = dict.fromkeys(change.removed.get(section, ()))
            setattr(nxt, section, getattr(self, section).changed({**gone, **items}))
        nxt._by_topic, nxt._held = self._reindexed_devices(change)
        nxt._by_face = self._reindexed_faces(change)
        nxt._by_code = self._reindexed_codes(change)
        return nxt

    def device_on(self, topic: str) -> Device | None:
        """The device registered with exactly this topic."""
        return self.devices.get(self._by_topic.get(topic))

    def held_by(self, holder: str) -> tuple[Device, ...]:
        """The devices of a holder ("client:c-1"), in the order they were registered."""
        found = (self.devices.get(key) for key in self._held.get(holder) or ())
        return tuple(device for device in found if device is not None)

    def resident_by_face(self, facility: str, code: str) -> Resident | None:
        """Who a terminal of this facility means by a person code."""
        return self.residents.get(self._by_face.get(f"{facility}/{code}"))

    def residents_by_face(self, code: str) -> tuple[Resident, ...]:
        """Everybody in town who is known by a person code; facilities may use a code twice."""
        found = (self.residents.get(key) for key in self._by_code.get(code) or ())
        return tuple(resident for resident in found if resident is not None)

    def area_of(self, subject: str | None) -> str | None:
        """The area id of a holder ("client:c-1", ...) or of a device ("device:d-1")."""
        what, _, key = (subject or "").partition(":")
        match what:
            case "client":
                client = self.clients.get(key)
                return client.area if client else None
            case "facility":
                facility = self.facilities.get(key)
                return facility.area if facility else None
            case "resident":
                resident = self.residents.get(key)
                return self.area_of(f"facility:{resident.facility}") if resident else None
            case "device":
                device = self.devices.get(key)
                return self.area_of(device.holder) if device else None
            case "area":
                return key
        return None

    def agency_of(self, subject: str | None) -> str | None:
        """The agency id answerable for a holder or device, where the register says one."""
        what, _, key = (subject or "").partition(":")
        match what:
            case "client":
                client = self.clients.get(key)
                return client.agency if client else None
            case "caregiver":
                caregiver = self.caregivers.get(key)
                return caregiver.agency if caregiver else None
            case "facility":
                facility = self.facilities.get(key)
                return facility.agency if facility else None
            case "resident":
                resident = self.residents.get(key)
                return self.agency_of(f"facility:{resident.facility}") if resident else None
            case "device":
                device = self.devices.get(key)
                return self.agency_of(device.holder) if device else None
        return None

    def area_path(self, area: str | None) -> tuple[str, ...]:
        """The area and all above it, nearest first. A cycle ends where it closes."""
        path: list[str] = []
        while area is not None and area not in path:
            path.append(area)
            node = self.areas.get(area)
            area = node.parent if node else None
        return tuple(path)

    def _reindexed_devices(
        self, change: RegisterChange
    ) -> tuple[Shelf[str], Shelf[tuple[str, ...]]]:
        topics: dict[str, str | None] = {}
        held: dict[str, tuple[str, ...] | None] = {}

        def holders(holder: str) -> tuple[str, ...]:
            return (held[holder] if holder in held else self._held.get(holder)) or ()

        gone = change.removed.get("devices", ())
        for key in (*gone, *(device.id for device in change.devices)):
            before = self.devices.get(key)
            if before is None:
                continue
            if before.topic:
                topics[before.topic] = None
            if before.holder:
                held[before.holder] = tuple(k for k in holders(before.holder) if k != key) or None
        for device in change.devices:
            if device.topic:
                topics[device.topic] = device.id
            if device.holder:
                held[device.holder] = (*holders(device.holder), device.id)
        return self._by_topic.changed(topics), self._held.changed(held)

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
