"""What rules find."""

from datetime import datetime
from typing import Literal, get_args

import msgspec

from alerts.types.words import Severity

FindingEvent = Literal["raised", "joined", "revised", "cleared"]
WRITTEN_BY_RULES = frozenset(get_args(FindingEvent))  # the story lines that a finding wrote


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that counted (or was looked for and missing)."""

    what: str  # one machine word: "position", "sos", "no_data", "check_in", ...
    at: datetime | None = None  # the time it is judged by
    device: str | None = None
    id: str | None = None  # the reading's id
    detail: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says: the line that `backtest --json` and the API print (section 5)."""

    at: datetime  # the engine's moment: received_at of the deciding message, or the timer's time
    rule: str
    subject: str  # "client:c-1", "caregiver:g-1", "device:d-1", "facility:f-1", "area:a-1"
    event: FindingEvent
    severity: Severity
    reason: str  # machine word
    detail: str  # one sentence
    evidence: tuple[Evidence, ...] = ()
    visit: str | None = None  # "v-1@2026-11-02"
    key: str = ""  # tells occurrences of one rule and subject apart (a visit, a zone); "" = one
    rule_version: int = 1
    settings: dict[str, object] = {}  # the parameters that applied
    settings_version: int = 0  # of the town's settings; 0: none were ever set


class AlertKey(msgspec.Struct, frozen=True):
    """What makes two findings speak of the same alert while it is open."""

    rule: str
    subject: str
    key: str = ""
