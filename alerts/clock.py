"""The clock that ladders and pagers go by. The engine has none: it goes by the feed."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time, and how long to wait for a moment. A test may run it faster."""

    def now(self) -> datetime:
        """Return the moment, aware, in UTC."""

    def seconds_until(self, moment: datetime) -> float:
        """Return the real seconds to wait for a moment; negative once it has passed."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the moment, aware, in UTC."""
        return datetime.now(UTC)

    def seconds_until(self, moment: datetime) -> float:
        """Return the seconds to a moment; negative once it has passed."""
        return (moment - self.now()).total_seconds()
