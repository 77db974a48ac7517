"""What a device can say, in our own units: the vocabulary every room shares.

Every reading is frozen. Times are aware UTC datetimes. A reading printed as JSON
(`msgspec.json.encode`) is the form that `carewatch decode` and the API show.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal, get_args

import msgspec

Clock = Literal["ok", "ahead", "quarantined"]
FaceMethod = Literal["face", "palm", "finger", "card", "pin"]
Press = Literal["short", "long", "double", "test", "cancel"]
VisitAction = Literal["check_in", "before", "after", "rating", "check_out"]


class Said(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", gc=False):
    """The part that all readings share."""

    device: str  # our device id
    id: str  # unique for this device together with `at`
    observed_at: datetime | None  # the device's word; None where it gave no time
    received_at: datetime  # ours, stamped at the broker's edge
    clock: Clock = "ok"  # what admission thinks of observed_at
    battery: float | None = None  # percent, 0-100
    replayed: bool = False  # sent from the device's own buffer, or a retained message
    # what was mended in its message's outer form ("nul", "encoding:gb18030"); absent where nothing
    repaired: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET

    @property
    def at(self) -> datetime:
        """Return the device's time where its clock is sane, else ours."""
        if self.observed_at is None or self.clock == "quarantined":
            return self.received_at
        return self.observed_at

    @property
    def key(self) -> tuple[str, datetime, str, str]:
        """Return the reading's key; two readings with one key are the same reading.

        Device, time, id and kind: a press is never taken for a door or a position whose id its
        device gives again.
        """
        return (self.device, self.at, self.id, KIND_OF[type(self)])


class Position(Said, frozen=True, kw_only=True, tag="position"):
    """A phone or tracker says where it is."""

    lat: float  # degrees, WGS-84, 6 decimals
    lon: float  # degrees, WGS-84, 6 decimals
    accuracy: float | None = None  # metres, radius; None = the device did not say
    speed: float | None = None  # m/s
    mock: bool = False  # the phone says the fix came from a fake-location app
    datum: Literal["wgs84", "gcj02", "bd09"] = "wgs84"  # as sent, before conversion


class DoorMoved(Said, frozen=True, kw_only=True, tag="door"):
    """A contact sensor says whether its door is open (an event or a repeated state)."""

    open: bool
    tamper: bool | None = None


class SosPressed(Said, frozen=True, kw_only=True, tag="sos"):
    """Somebody pressed an emergency button."""

    press: Press = "short"
    lat: float | None = None  # degrees, WGS-84, when the button knows
    lon: float | None = None


class FaceSeen(Said, frozen=True, kw_only=True, tag="face"):
    """A terminal recognised (or did not recognise) somebody."""

    person: str | None  # the terminal's person code; None for a stranger
    score: float | None = None  # 0-1, likeness
    alive: bool | None = None  # the terminal's liveness check; None = not said
    method: FaceMethod = "face"  # only "face" counts as a live sighting
    direction: Literal["in", "out"] | None = None


class VisitMarked(Said, frozen=True, kw_only=True, tag="visit"):
    """A caregiver's app marks a step of a visit."""

    action: VisitAction
    client: str | None = None  # client id
    rating: int | None = None  # 1-5
    evidence: str | None = None  # sha256 of a photo kept elsewhere


class DeviceStatus(Said, frozen=True, kw_only=True, tag="status"):
    """A heartbeat, a last will, coming or going, a battery report."""

    online: bool | None = None
    signal: float | None = None  # as the device counts it
    firmware: str | None = None
    fault: str | None = None
    battery_low: bool | None = None  # the device's own word, where it gives no percent or besides


class Measured(Said, frozen=True, kw_only=True, tag="measured"):
    """A device registered as a `sensor` has measured something; the contract has no such kind."""

    quantity: str  # one of devices.quantities.UNITS
    value: float  # 1 and 0 for yes and no
    unit: str  # "" for yes and no


Reading = Position | DoorMoved | SosPressed | FaceSeen | VisitMarked | DeviceStatus | Measured
KIND_OF = {said: str(said.__struct_config__.tag) for said in get_args(Reading)}  # as in `kind`
TRACKED = (Position, DeviceStatus, Measured)  # many, and soon of no interest
TRACKED_KINDS = tuple(KIND_OF[said] for said in TRACKED)
KINDS = ("position", "door", "sos", "face", "visit", "status")  # those of the contract


class Reason(StrEnum):
    """Why a message was refused; the same words on the wall, in the log and in tests."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_KIND = "unknown_kind"
    MISSING_FIELD = "missing_field"
    BAD_VALUE = "bad_value"
    OUT_OF_RANGE = "out_of_range"
    TOO_LARGE = "too_large"
    ENCRYPTED = "encrypted"


class Rejection(msgspec.Struct, frozen=True):
    """A message (or one part of it) that could not be read: a value, never an exception."""

    reason: Reason = msgspec.field(name="rejected")
    detail: str  # one sentence: what, where, and how to mend it


class Ignored(msgspec.Struct, frozen=True):
    """A well-formed message that says nothing we keep."""

    why: str = msgspec.field(name="ignored")
