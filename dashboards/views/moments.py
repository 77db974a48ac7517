"""Times as they stand in an address."""

from datetime import UTC, datetime

from core.errors import CarewatchError

CENTURIES = range(1970, 2200)  # years that can be reckoned with
MONTH = r"^(19[7-9]|20[0-9]|21[0-9])[0-9]-(0[1-9]|1[0-2])$"  # of these years


def aware(moment: datetime | None) -> datetime | None:
    """Read a time; one without an offset means UTC.

    Raises CarewatchError for one in no year of ours.
    """
    if moment is None:
        return None
    if moment.year not in CENTURIES:
        raise CarewatchError(f"a time in the year {moment.year}: choose one from 1970 to 2199")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
