"""When a visit may still change by time alone, and what counts as having been there."""

from datetime import datetime, timedelta

import msgspec


class Terms(msgspec.Struct, frozen=True):
    """What counts as having been there."""

    first: datetime  # evidence of the visit lies between these two moments
    last: datetime
    dwell: timedelta  # so long in the home makes a visit
    gap: timedelta  # fixes nearer than this belong together


class Deadlines(msgspec.Struct, frozen=True):
    """When a visit's record may change by time alone, and what counts as having been there."""

    late: datetime
    missed: datetime
    forgotten: datetime
    terms: Terms
