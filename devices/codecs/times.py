"""The times that devices write, as datetimes.

A time with an offset (or a Unix time) comes back aware, in UTC; a text without one comes back
naive: it is in the device's own zone, which only the register knows. A moment that no date can
name (the year 50,000) is moved to the nearest that can, so that admission sees an absurd clock
instead of losing the message.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
# Unix times are told apart by size: 1e11 s is the year 5138, 1e11 ms was in 1973.
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6))
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
# 2024-02-08T17:57:55.265399123+0800: fractions of any length, offsets with or without a colon
_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?)?"
    r"\s*(Z|z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)


def from_unix(seconds: float) -> datetime:
    """A Unix time in seconds, milliseconds, microseconds or nanoseconds, told apart by size."""
    size = abs(seconds)
    divisor = next((unit for limit, unit in _UNITS if size < limit), 1e9)
    try:
        return datetime.fromtimestamp(seconds / divisor, UTC)
    except (ValueError, OverflowError, OSError):
        return LATEST if seconds > 0 else EARLIEST


def to_utc(moment: datetime) -> datetime:
    """An aware datetime in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return LATEST if moment.year > 5000 else EARLIEST


def read_time(written: object) -> datetime | None:
    """What a device wrote as a time: a number, a number as text, or ISO 8601. None: no time."""
    if isinstance(written, bool) or written is None:
        return None
    if isinstance(written, int | float):
        return from_unix(written)
    if not isinstance(written, str):
        return None
    text = written.strip()
    if _NUMBER.fullmatch(text):
        return from_unix(float(text))
    return _from_iso(text)


def _from_iso(text: str) -> datetime | None:
    found = _ISO.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    micros = int(((fraction or "") + "000000")[:6])
    try:
        moment = datetime(  # noqa: DTZ001 (naive means: the device's own zone)
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            micros,
        )
        return moment if zone is None else to_utc(moment.replace(tzinfo=_zone(zone)))
    except ValueError:
        return None


def _zone(written: str) -> timezone:
    if written in ("Z", "z", "UTC"):
        return UTC
    digits = written[1:].replace(":", "").ljust(4, "0")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-away if written[0] == "-" else away)
