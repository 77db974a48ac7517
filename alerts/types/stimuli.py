"""What happens: readings, timers, and what people and channels do.

Inbox entries are stored as JSON of these very types.
"""

from datetime import datetime
from typing import Literal

import msgspec

from alerts.types.plans import PlanSet
from alerts.types.words import Outcome
from devices.directory import RegisterChange
from devices.readings import Reading


class Stored(msgspec.Struct, frozen=True, tag="stored", gc=False):
    """A reading that ingest has committed."""

    arrival: int
    reading: Reading

    @property
    def moment(self) -> datetime:
        """Return when the engine takes it to happen."""
        return self.reading.received_at


class Tick(msgspec.Struct, frozen=True, tag="tick"):
    """A timer has run down: everything received before `at` has been read."""

    at: datetime

    @property
    def moment(self) -> datetime:
        """Return when the engine takes it to happen."""
        return self.at


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What all inbox entries share."""

    arrival: int = 0  # given by the database when appended
    at: datetime  # when it was appended

    @property
    def moment(self) -> datetime:
        """Return when the engine takes it to happen."""
        return self.at


class TownChanged(Entry, frozen=True, kw_only=True, tag="town_changed"):
    """The register or the plans changed; whole new items, so that a backtest sees them too."""

    timezone: str | None = None
    register: RegisterChange = RegisterChange()
    plans: PlanSet = PlanSet()
    by: str = ""
    note: str = ""  # why, where a person changed the settings


class Acknowledged(Entry, frozen=True, kw_only=True, tag="acknowledged"):
    """A person says "I'm going". `via`: desk, link, sms, voice."""

    alert: str
    person: str
    via: str = "desk"


class Arrived(Entry, frozen=True, kw_only=True, tag="arrived"):
    """The answering person is at the scene (tap or position)."""

    alert: str
    person: str
    via: str = "desk"


class Resolved(Entry, frozen=True, kw_only=True, tag="resolved"):
    """A person closes an alert with an outcome."""

    alert: str
    person: str
    outcome: Outcome
    note: str = ""


class Noted(Entry, frozen=True, kw_only=True, tag="noted"):
    """A person adds a note to an alert's story."""

    alert: str
    person: str
    note: str


class Escalated(Entry, frozen=True, kw_only=True, tag="escalated"):
    """A person asks for the next rung now."""

    alert: str
    person: str


class Opened(Entry, frozen=True, kw_only=True, tag="opened"):
    """A person looked at the alert's page by their link."""

    alert: str
    person: str


ReceiptState = Literal[
    "queued", "sent", "delivered", "read", "failed_temporary", "failed_permanent"
]


class Receipt(Entry, frozen=True, kw_only=True, tag="receipt"):
    """What a channel said of a page."""

    page: str
    state: ReceiptState
    detail: str = ""


class Muted(Entry, frozen=True, kw_only=True, tag="muted"):
    """A mute, shelf or maintenance window: it has an end, a reason and a name."""

    id: str
    until: datetime
    reason: str
    person: str
    subject: str | None = None  # None = any
    rule: str | None = None  # None = any
    area: str | None = None  # with all below it; None = any


class Unmuted(Entry, frozen=True, kw_only=True, tag="unmuted"):
    """A mute ended early."""

    id: str
    person: str


InboxEntry = (
    TownChanged
    | Acknowledged
    | Arrived
    | Resolved
    | Noted
    | Escalated
    | Opened
    | Receipt
    | Muted
    | Unmuted
)
Stimulus = Stored | Tick | InboxEntry
