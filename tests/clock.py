"""The machine's clock and the town's zone, as tests read them: nowhere else in the tests.

A service that runs for a test reads the machine's clock itself, so what it is sent must be of now.
Every other test is about a fixed moment. `tests/test_clock_law.py` holds that nobody else reads a
clock or the machine's zone, and that now is asked for in a test, not while modules are imported:
a suite that began at 23:59 ends tomorrow.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

TIMEZONE = os.environ.get("TEST_TIMEZONE", "Asia/Shanghai")  # of the towns that run in tests
ZONE = ZoneInfo(TIMEZONE)
MIDNIGHT_IS_NEAR = timedelta(seconds=30)  # more than a test takes, were it held up


def utc_now() -> datetime:
    """Return now by the machine's clock, in UTC."""
    return datetime.now(UTC)


def epoch_now() -> float:
    """Return now by the machine's clock, in seconds since 1970."""
    return time.time()


def noon_of_today() -> datetime:
    """Return today's noon in the town, in UTC, for tests of what a service shows of today.

    Shortly before the town's midnight this waits until it has passed, so that today is still today
    when the service is asked.
    """
    here = utc_now().astimezone(ZONE)
    if (here + MIDNIGHT_IS_NEAR).date() != here.date():
        time.sleep(MIDNIGHT_IS_NEAR.total_seconds())
    return town_time(utc_now().astimezone(ZONE).date().isoformat() + " 12:00")


def town_time(text: str) -> datetime:
    """Return a moment written as the town's clock shows it ("2026-11-02 10:00"), in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)
