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
# 2024-02-08T17:57:55.265399123+0800: fractions of any length. Offsets with or without a colon, of
# one digit, after GMT or UTC, and with the `+` that a query not encoded has turned into a space.
_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[Tt ]\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?"
    r"\s*(Z|z|(?:UTC|GMT)?(?:[-+\u2212]\d{1,2}(?::?\d{2})?)|UTC|GMT"
    r"|(?<=\d) \d{1,2}:\d{2}|(?<=\d) \d{4}|(?<=\d) \d{2})?"
    r"(?:\[[A-Za-z0-9/_+-]{1,40}\])?)?"  # Java names the zone beside its offset
)
_BASIC = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(.*)")  # 20261102T090003+0800
FARTHEST = timedelta(hours=14)  # of a zone from UTC


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
    found = _ISO.fullmatch(_BASIC.sub(r"\1-\2-\3T\4:\5:\6\7", text))
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    micros = int(((fraction or "") + "000000")[:6])
    clock = (int(hour or 0), int(minute or 0), int(second or 0), micros)
    try:
        moment = _on(datetime(int(year), int(month), int(day)), clock)  # noqa: DTZ001
        return moment if zone is None else to_utc(moment.replace(tzinfo=_zone(zone)))
    except (ValueError, OverflowError):
        return None


def _on(day: datetime, clock: tuple[int, int, int, int]) -> datetime:
    """That time of a day; a leap second is the next second, 24:00:00 the next day's beginning."""
    hour, minute, second, micros = clock
    if clock == (24, 0, 0, 0):
        return day + timedelta(days=1)
    if second == 60:
        return day.replace(hour=hour, minute=minute) + timedelta(minutes=1)
    return day.replace(hour=hour, minute=minute, second=second, microsecond=micros)


def _zone(written: str) -> timezone:
    """The zone of an offset. Raises ValueError for one that no clock on Earth shows."""
    offset = written.removeprefix("UTC").removeprefix("GMT").replace("\u2212", "-")
    if offset in ("Z", "z", ""):
        return UTC
    hours, _, minutes = offset.lstrip("+- ").partition(":")
    if len(hours) > 2:
        hours, minutes = hours[:-2], hours[-2:]
    away = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if away > FARTHEST or int(minutes or 0) > 59:
        raise ValueError(written)
    return timezone(-away if offset[0] == "-" else away)
