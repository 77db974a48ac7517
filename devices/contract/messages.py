"""The wire types of contract v1: what a device publishes, field by field.

The JSON Schemas beside this file are made from these types, and the codec checks every message
against them in one pass. Unknown further fields are passed over.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from devices.directory import Datum
from devices.readings import FaceMethod, Press, VisitAction

MAX_BYTES = 64 * 1024  # of one message

Id = Annotated[str, Meta(min_length=1, max_length=200, description="unique for this device")]
At = Annotated[
    datetime | int | float,
    Meta(description="when it happened: RFC 3339 with offset, or Unix seconds or milliseconds"),
]
Percent = Annotated[float, Meta(ge=0, le=100, description="percent, 0-100")]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="degrees, north positive")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="degrees, east positive")]
Metres = Annotated[float, Meta(ge=0, description="metres, radius of confidence")]
Speed = Annotated[float, Meta(ge=0, description="metres per second")]
Share = Annotated[float, Meta(ge=0, le=1, description="likeness, 0-1")]
Stars = Annotated[int, Meta(ge=1, le=5, description="the client's rating, 1-5")]
Digest = Annotated[str, Meta(max_length=200, description="sha256 of a photo kept elsewhere")]
Text = Annotated[str, Meta(max_length=200)]


class ContractMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that all six kinds share."""

    id: Id
    at: At
    battery: Percent | None = None
    replayed: bool | None = None  # sent from the device's own buffer


class PositionMessage(ContractMessage, frozen=True, kw_only=True):
    """kind `position`: where a phone or tracker is."""

    lat: Latitude
    lon: Longitude
    accuracy: Metres | None = None
    datum: Datum | None = None  # the device's registered datum when missing, else wgs84
    speed: Speed | None = None
    mock: bool | None = None


class DoorMessage(ContractMessage, frozen=True, kw_only=True):
    """kind `door`: a contact sensor's state after a change, or repeated."""

    open: bool
    tamper: bool | None = None


class SosMessage(ContractMessage, frozen=True, kw_only=True):
    """kind `sos`: somebody pressed."""

    press: Press | None = None  # short when missing
    lat: Latitude | None = None
    lon: Longitude | None = None


class FaceMessage(ContractMessage, frozen=True, kw_only=True):
    """kind `face`: a terminal saw somebody. Pictures and numbers of persons must not be sent."""

    person: Text | None = None  # null: a stranger
    score: Share | None = None
    alive: bool | None = None
    direction: Text | None = None  # in or out; other words are taken as not known
    method: FaceMethod | None = None  # face when missing


class VisitMessage(ContractMessage, frozen=True, kw_only=True):
    """kind `visit`: a step of a visit, marked in the caregiver's app."""

    action: VisitAction
    client: Text | None = None
    rating: Stars | None = None
    evidence: Digest | None = None


class StatusMessage(ContractMessage, frozen=True, kw_only=True):
    """kind `status`: a heartbeat, a last will, a fault."""

    online: bool | None = None
    signal: float | None = None
    firmware: Text | None = None
    fault: Text | None = None


MESSAGES: dict[str, type[ContractMessage]] = {
    "position": PositionMessage,
    "door": DoorMessage,
    "sos": SosMessage,
    "face": FaceMessage,
    "visit": VisitMessage,
    "status": StatusMessage,
}
