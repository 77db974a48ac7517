"""Words that several of these types use."""

from enum import StrEnum
from typing import Literal


class Severity(StrEnum):
    """Life, high, medium, low: P1 to P4 on the wall."""

    LIFE = "life"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


ReadingKind = Literal["position", "door", "sos", "face", "visit", "status", "measured"]
LaneName = Literal["life", "main"]  # an SOS has a lane of its own: nothing else is in its way
Role = Literal["viewer", "operator", "on_call", "manager", "vendor", "admin"]
Outcome = Literal["helped", "false_alarm", "test", "hospital", "duplicate", "other"]
OUTCOMES: tuple[str, ...] = ("helped", "false_alarm", "test", "hospital", "duplicate", "other")
