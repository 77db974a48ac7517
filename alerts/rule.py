"""The shape of a rule: values in, values out.

The engine keeps every state, hands a rule only what it asked for, and stores what it answers.
A rule never reads a clock, a file or a row; the same calls give the same answers.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar, Generic, TypeVar

import msgspec

from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import (
    Evidence,
    Finding,
    FindingEvent,
    LaneName,
    Severity,
    Stored,
    Tick,
    TownChanged,
)
from devices.readings import Reading


class RuleState(msgspec.Struct, frozen=True, gc=False):
    """What a rule remembers of one key. Frozen; saved as MessagePack.

    `gc=False`, here and on other small values: they hold no cycles, and there are many of them.
    """


class Begun(msgspec.Struct, frozen=True):
    """The engine starts, also after a restart: raise what is true already, set timers anew."""

    at: datetime

    @property
    def moment(self) -> datetime:
        return self.at


class RuleEvent(msgspec.Struct, frozen=True, gc=False):
    """Something one rule tells the rules behind it in RULES (subclass it; name it in `wants`)."""


STANDS = datetime.max.replace(tzinfo=UTC)  # as `wake_at`: the timer there was stays as it is
Felt = Stored | Tick | TownChanged | Begun | RuleEvent
S = TypeVar("S", bound=RuleState)
P = TypeVar("P", bound=Parameters)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a step concluded. It replaces the key's state and its timer."""

    state: RuleState | None  # None: forget this key
    findings: tuple[Finding, ...] = ()
    wake_at: datetime | None = None  # ask for a Tick then; None: no timer; STANDS: as before
    tells: tuple[RuleEvent, ...] = ()


class Rule(Generic[S, P]):
    """One rule. A subclass sets the class variables and writes `route`, `affected` and `step`.

    A *key* names one state of the rule: a subject ("client:c-1"), a zone id, a visit id.
    """

    name: ClassVar[str]
    severity: ClassVar[Severity]
    lane: ClassVar[LaneName] = "main"
    version: ClassVar[int] = 1  # raise it when the state or its meaning changes: old states go
    wants: ClassVar[tuple[type, ...]] = ()  # reading types and RuleEvent types
    vital: ClassVar[tuple[type, ...]] = ()  # of the readings: mere signs of life to this rule, so
    # that one which changed nothing stands for the next hour (see alerts.town.heartbeats)
    settings: type[P]
    state: type[S]

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        """The keys that a reading (or something told) concerns. Hot: answer () early."""
        return ()

    def listens(self, kind: type, town: Town) -> bool:
        """May readings of a kind mean anything in the town as it is? Asked when it changes."""
        return True

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        """The keys to look at again after a change of the town (`town` already holds it).

        At `Begun` every key that needs a timer. A step that finds nothing new answers None.
        """
        return ()

    def step(self, key: str, state: S | None, felt: Felt, town: Town) -> Verdict | None:
        """What follows for one key. Pure. None: nothing changes, the timer stands."""
        raise NotImplementedError

    def finding(
        self,
        event: FindingEvent,
        subject: str,
        reason: str,
        detail: str,
        *,
        town: Town,
        key: str = "",
        visit: str | None = None,
        evidence: tuple[Evidence, ...] = (),
        severity: Severity | None = None,
        by: str | None = None,
    ) -> Finding:
        """A finding of this rule at the engine's moment, with version and settings that applied.

        `by` is who acts for the subject, where the settings depend on it too.
        """
        return Finding(
            at=town.now,
            rule=self.name,
            subject=subject,
            event=event,
            severity=severity or self.severity,
            reason=reason,
            detail=detail,
            evidence=evidence,
            visit=visit,
            key=key,
            rule_version=self.version,
            settings=msgspec.structs.asdict(town.settings(self, subject, by)),
            settings_version=town.settings_version,
        )


def seen(what: str, reading: Reading, detail: str = "") -> Evidence:
    """A reading as evidence, at the time it is judged by."""
    return Evidence(what=what, at=reading.at, device=reading.device, id=reading.id, detail=detail)
