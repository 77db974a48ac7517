"""Whether a time and a place are plausible, and both brought to UTC and WGS-84. Pure."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices.codecs.codec import Part
from devices.codecs.times import to_utc
from devices.coordinates import to_wgs84
from devices.directory import Device, Directory
from devices.envelope import Envelope
from devices.readings import Clock, Position, Reading, Reason, Rejection, SosPressed

AHEAD = timedelta(minutes=2)  # a hint of drift, not yet a wrong clock
QUARANTINE = timedelta(hours=24)
# Before this no device that speaks to us was made: a factory clock (1970, 1980, 2000, a GPS week
# rolled over), not a buffered reading. See docs/decisions/0010-reading-devices.md.
FIRST_SANE = datetime(2010, 1, 1, tzinfo=UTC)
DEFAULT_ZONE = "Asia/Shanghai"


def clock_of(observed_at: datetime, received_at: datetime) -> Clock:
    """What to think of a device's time. Buffered readings of any age are `ok`."""
    if observed_at < FIRST_SANE:
        return "quarantined"
    if observed_at <= received_at:
        return "ok"
    lead = observed_at - received_at
    if lead > QUARANTINE:
        return "quarantined"
    return "ahead" if lead > AHEAD else "ok"


def timed(
    said: Reading,
    envelope: Envelope,
    device: Device | None,
    directory: Directory | None,
    protocol_zone: str | None = None,
) -> dict[str, Any]:
    """The changes that the times ask for: a naive time placed in its zone, the clock judged.

    The zone is the device's, else the one that its protocol names, else the town's.
    """
    changes: dict[str, Any] = {}
    if envelope.retain and not said.replayed:
        changes["replayed"] = True
    observed = said.observed_at
    if observed is None:
        return changes
    if observed.tzinfo is None:
        observed = changes["observed_at"] = to_utc(
            observed.replace(tzinfo=_zone(device, directory, protocol_zone))
        )
    if not FIRST_SANE <= observed <= envelope.received_at:
        clock = clock_of(observed, envelope.received_at)
        if clock != "ok":
            changes["clock"] = clock
    return changes


def _zone(
    device: Device | None, directory: Directory | None, protocol_zone: str | None
) -> ZoneInfo:
    if device is not None and device.timezone:
        return _zone_named(device.timezone)
    if protocol_zone is not None:
        return _zone_named(protocol_zone)
    return _zone_named(directory.timezone if directory is not None else DEFAULT_ZONE)


@lru_cache
def _zone_named(name: str) -> ZoneInfo:
    """The zone; the default one for a name that got past the town file's checks."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)


def placed(
    said: Position | SosPressed, part: Part, device: Device | None, changes: dict[str, Any]
) -> Rejection | None:
    """Adds the coordinates in WGS-84 to `changes`; what is wrong where there is no sane place.

    An SOS without a fix has nothing wrong, and one at no place on Earth is still an SOS.
    """
    lat, lon = said.lat, said.lon
    fault = _place_fault(lat, lon)
    if fault is not None or lat is None or lon is None:
        if isinstance(said, Position):
            return fault
        changes.update(lat=None, lon=None)
        return fault if fault is not None and fault.reason is Reason.OUT_OF_RANGE else None
    datum = part.datum or (device.datum if device is not None else None) or "wgs84"
    if datum != "wgs84":
        lat, lon = to_wgs84(lat, lon, datum)
        if isinstance(said, Position):
            changes["datum"] = datum
    lat, lon = round(lat, 6), round(lon, 6)
    if lat != said.lat or lon != said.lon:
        changes["lat"], changes["lon"] = lat, lon
    return None


def _place_fault(lat: float | None, lon: float | None) -> Rejection | None:
    if lat is None or lon is None:
        return Rejection(Reason.MISSING_FIELD, "half a position: both lat and lon are needed")
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return Rejection(Reason.OUT_OF_RANGE, f"lat {lat} lon {lon}: no place on Earth")
    if (lat == 0 or lon == 0) and not _whole_degrees(lat, lon):
        fault = f"lat {lat:g} lon {lon:g}: a coordinate of 0 is what a receiver without a fix sends"
        return Rejection(Reason.BAD_VALUE, fault)
    return None


def _whole_degrees(lat: float, lon: float) -> bool:
    """A place that somebody wrote down (51, 0): what a receiver finds has decimals."""
    return bool(lat or lon) and float(lat).is_integer() and float(lon).is_integer()
