"""The monthly test press of every SOS button; those that are overdue, by name. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from devices.directory import Directory

EVERY = timedelta(days=31)  # a test press is due so long after the last


class ButtonTest(msgspec.Struct, frozen=True):
    """One SOS button and its last test."""

    device: str
    holder: str | None
    tested_at: datetime | None  # None: never

    def is_overdue(self, now: datetime) -> bool:
        """Return True if its test of the month is missing."""
        return self.tested_at is None or now - self.tested_at > EVERY


def button_tests(directory: Directory, tested: Mapping[str, datetime]) -> list[ButtonTest]:
    """Return every SOS button, never tested ones first, then the longest ago."""
    buttons = (device for device in directory.devices if device.kind == "sos")
    found = [ButtonTest(each.id, each.holder, tested.get(each.id)) for each in buttons]
    return sorted(found, key=lambda one: (one.tested_at is not None, one.tested_at, one.device))
