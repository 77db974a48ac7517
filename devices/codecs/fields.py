"""Single fields as devices of all makes write them: numbers as text, sentinels, placeholders."""

import math
import re
from datetime import datetime

from devices.codecs.times import read_time
from devices.readings import Reason, Rejection

KNOT = 1852 / 3600  # metres per second
KMH = 1 / 3.6  # metres per second


def number(written: object) -> float | None:
    """A finite number, written as one or as text; None for anything else (true is no number)."""
    if isinstance(written, bool):
        return None
    if isinstance(written, str):
        try:
            written = float(written.strip())
        except ValueError:
            return None
    if not isinstance(written, int | float):
        return None
    try:
        value = float(written)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def at_least_zero(written: object, unit: float = 1.0) -> float | None:
    """A measure that can't be negative, times `unit`; -1 and the like mean not known."""
    value = number(written)
    return None if value is None or value < 0 else value * unit


def accuracy(written: object) -> float | None:
    """Metres; 0 and below are what receivers write that do not know."""
    value = number(written)
    return value if value is not None and value > 0 else None


def percent(written: object) -> float | None:
    """A battery in percent: 59.5, "100.00", "88%"; -1, 255 and null mean not known."""
    if isinstance(written, str):
        written = written.strip().removesuffix("%")
    value = number(written)
    return value if value is not None and 0 <= value <= 100 else None


def share_as_percent(written: object) -> float | None:
    """A battery given as a share from 0 to 1, in percent."""
    value = number(written)
    return round(value * 100, 3) if value is not None and 0 <= value <= 1 else None


def likeness(written: object) -> float | None:
    """A score from 0 to 1; scores above 1 are taken as percent: 83, "83.000000"."""
    value = number(written)
    if value is None or not 0 <= value <= 100:
        return None
    return value if value <= 1 else round(value / 100, 6)


def text(written: object) -> str | None:
    """A name or code: trimmed; a number becomes text; empty and other types give None."""
    if isinstance(written, bool):
        return None
    if isinstance(written, int):
        written = str(written)
    return (written.strip() or None) if isinstance(written, str) else None


_PLACEHOLDER = re.compile(r"<[^<>]*>|\{[^{}]*\}|%[A-Za-z]+")


def is_placeholder(name: str) -> bool:
    """A template that nobody filled in: `<user>`, `{device id}`, `%LAT`."""
    return _PLACEHOLDER.fullmatch(name.strip()) is not None


def moment(written: object, field: str) -> datetime | Rejection | None:
    """A time field: None where it is missing or empty, a Rejection where it can't be read."""
    if written is None or written == "":
        return None
    read = read_time(written)
    if read is None:
        return Rejection(Reason.BAD_VALUE, f"{field} {str(written)[:60]!r} is no time")
    return read


def moment_or_fault(written: object, field: str) -> tuple[datetime | None, Rejection | None]:
    """A time field and what is wrong with it: of the two at least one is None."""
    read = moment(written, field)
    return (None, read) if isinstance(read, Rejection) else (read, None)


def coordinate(written: object, field: str) -> float | Rejection:
    """A latitude or longitude, as a number or as text."""
    if written is None or written == "":
        return Rejection(Reason.MISSING_FIELD, f"{field} is missing")
    value = number(written)
    if value is None:
        return Rejection(Reason.BAD_VALUE, f"{field} {str(written)[:60]!r} is no number")
    return value


def place(lat: object, lon: object) -> tuple[float, float] | Rejection:
    """Both coordinates, or what is wrong with the first that is."""
    north, east = coordinate(lat, "lat"), coordinate(lon, "lon")
    if isinstance(north, Rejection):
        return north
    return east if isinstance(east, Rejection) else (north, east)
