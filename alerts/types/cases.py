"""What becomes of findings: alerts with their stories, and pages to people."""

from datetime import datetime
from typing import Literal

import msgspec

from alerts.types.findings import AlertKey, Evidence
from alerts.types.plans import Ladder
from alerts.types.words import Severity

AlertState = Literal["open", "acknowledged", "resolved", "cleared"]
PageState = Literal[
    "due", "sending", "queued", "sent", "delivered", "read", "failed", "cancelled", "held"
]


class StoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """One append-only line of an alert's story."""

    at: datetime
    what: str  # machine word: raised, joined, paged, sent, delivered, opened, acknowledged, ...
    who: str = ""  # person id, or "" for the service itself
    detail: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with the promise that was frozen into it when it opened."""

    id: str  # deterministic: the same stimuli give the same id
    rule: str
    subject: str
    key: str
    severity: Severity
    state: AlertState
    reason: str
    detail: str
    visit: str | None
    area: str | None
    agency: str | None
    raised_at: datetime
    observed_at: datetime | None  # the device's time of the deciding reading
    received_at: datetime | None
    evidence: tuple[Evidence, ...]
    rule_version: int
    settings: dict[str, object]
    ladder: Ladder | None  # frozen at opening
    settings_version: int = 0  # of the town's settings when it opened
    occurrences: int = 1
    muted: str | None = None  # why nobody is paged; never for a life alert
    rung: int = 0  # rungs already climbed
    round: int = 0  # repeats of the last rung
    next_at: datetime | None = None  # when the next rung is due; None = nothing more is due
    paged: tuple[str, ...] = ()  # whom the rung climbed last pages
    unreached: tuple[str, ...] = ()  # of them, those whose every contact has failed for good
    acked_at: datetime | None = None
    acked_by: str | None = None
    arrived_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    outcome: str | None = None
    cleared_at: datetime | None = None
    story: tuple[StoryLine, ...] = ()

    @property
    def alert_key(self) -> AlertKey:
        """Return what makes a finding speak of this alert."""
        return AlertKey(self.rule, self.subject, self.key)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person by one contact. The id is deterministic, so a repeat is known."""

    id: str
    alert: str
    person: str
    contact: int  # index into the person's contacts
    channel: str  # the contact's URL (a secret: never logged)
    rung: int  # 1-based
    round: int  # 0 = first time this rung is paged, then repeats
    attempt: int
    severity: Severity
    due_at: datetime
    state: PageState = "due"
