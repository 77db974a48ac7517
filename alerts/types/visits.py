"""A visit as the evidence shows it."""

from datetime import datetime
from typing import Literal

import msgspec

from alerts.types.findings import Evidence

VisitStage = Literal["planned", "due", "begun", "done", "late", "missed", "cancelled", "unverified"]
VisitGrade = Literal["verified", "probable", "contradicted", "none"]


class VisitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One visit as the evidence shows it: the row of the ledger. Revisions only grow."""

    id: str  # "v-1@2026-11-02" (plan id and local date of the window start)
    plan: str
    client: str
    caregiver: str | None
    start: datetime  # window
    end: datetime
    minutes: int  # planned
    state: VisitStage = "planned"
    grade: VisitGrade = "none"
    began: datetime | None = None
    ended: datetime | None = None
    came: str | None = None  # the caregiver who was really there
    present: float | None = None  # minutes there, once ended: time seen elsewhere taken off
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""
    away: bool = False  # the client is known to be away in the window: nobody is expected
    revision: int = 0
    revised_at: datetime | None = None  # the engine's moment when it was concluded

    @property
    def takes_evidence(self) -> bool:
        """Return True if somebody may have come; of a plan taken away nobody is asked."""
        return self.state != "cancelled" or self.away
