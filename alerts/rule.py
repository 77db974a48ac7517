"""What a rule is: values in, values out.

The engine keeps every state and every timer, hands a rule only what it asked for, and stores what
it answers. A rule never reads a clock, a file or a row; the same calls give the same answers.

| what happens | whom it concerns | what follows |
|---|---|---|
| a reading of `readings` comes | `route_reading` | `on_reading` |
| another rule sends one of `events` | `route_event` | `on_event` |
| the town changes, or the engine starts | `route_change` | `on_change` |
| a timer that the rule has set is due | the key it was set for | `on_timer` |

A rule writes the rows that it needs; one that routes and does not answer, or answers and is never
routed to, is refused when its class is made. What follows is one of three: `UNCHANGED`, `Keep`
(which always says what becomes of the timer) or `Forget`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Final, Generic, TypeVar

import msgspec

from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, FindingEvent, LaneName, Severity, TownChanged
from devices.readings import Reading


class RuleState(msgspec.Struct, frozen=True, gc=False):
    """What a rule remembers of one key. Frozen; saved as MessagePack.

    `gc=False`, here and on other small values: they hold no cycles, and there are many of them.
    """


class RuleEvent(msgspec.Struct, frozen=True, gc=False):
    """Something that one rule sends to the rules behind it in RULES (subclass it)."""

    def enter(self, town: Town) -> None:
        """Make what the event says part of the town; done before any rule hears of it."""


class Begun(msgspec.Struct, frozen=True):
    """The engine starts, also after a restart: raise what is true already, set timers anew."""


Change = TownChanged | Begun
S = TypeVar("S", bound=RuleState)
P = TypeVar("P", bound=Parameters)
R = TypeVar("R", bound=Reading)
E = TypeVar("E", bound=RuleEvent)


class TimerChoice(Enum):
    """What becomes of a key's timer when no new time is set."""

    KEEP = "keep"
    NONE = "none"


class Unchanged(Enum):
    """Nothing follows: state and timer stay as they are."""

    UNCHANGED = "unchanged"


KEEP_TIMER: Final = TimerChoice.KEEP  # the timer there was, if any, stays as it is
NO_TIMER: Final = TimerChoice.NONE  # there is none from now on
UNCHANGED: Final = Unchanged.UNCHANGED


class Keep(msgspec.Struct, Generic[S], frozen=True, gc=False):
    """The key's state from now on, and what becomes of its timer: that is never left unsaid."""

    state: S
    timer: datetime | TimerChoice  # wake the rule then, or KEEP_TIMER, or NO_TIMER
    findings: tuple[Finding, ...] = ()
    events: tuple[RuleEvent, ...] = ()


class Forget(msgspec.Struct, frozen=True, gc=False):
    """The key's state goes, and its timer with it."""

    findings: tuple[Finding, ...] = ()
    events: tuple[RuleEvent, ...] = ()


Verdict = Keep[S] | Forget | Unchanged  # what follows for one key


class Rule(Generic[S, P, R, E]):
    """One rule: its state, its parameters, and the readings and events it takes (`Never`: none).

    A *key* names one state of the rule: a subject ("client:c-1"), a zone id, a visit id.
    """

    name: ClassVar[str]
    severity: ClassVar[Severity]
    lane: ClassVar[LaneName] = "main"
    version: ClassVar[int] = 1  # raise it when the state or its meaning changes: old states go
    needs: ClassVar[tuple["AnyRule", ...]] = ()  # rules whose events it hears, not in RULES
    settings: type[P]
    state: type[S]
    readings: tuple[type[R], ...] = ()
    events: tuple[type[E], ...] = ()
    vital: tuple[type[R], ...] = ()  # of the readings: mere signs of life to this rule, so that
    # after one that changed nothing the next hour is skipped (see alerts.town.heartbeats)

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Refuse, with a TypeError, a rule whose rows in the table above are not whole."""
        super().__init_subclass__(**kwargs)
        for row, declared in (("reading", cls.readings), ("event", cls.events), ("change", None)):
            routes, answers = (is_written(cls, f"{verb}_{row}") for verb in ("route", "on"))
            if routes != answers or (declared is not None and bool(declared) != answers):
                raise TypeError(
                    f"{cls.__name__}: route_{row} and on_{row} belong together"
                    + (f", and with `{row}s`" if declared is not None else "")
                )

    # ------------------------------------------------------------ whom it concerns

    def route_reading(self, reading: R, town: Town) -> Iterable[str]:
        """Return the keys that a reading concerns. Hot: return () early."""
        raise NotImplementedError

    def route_event(self, event: E, town: Town) -> Iterable[str]:
        """Return the keys that an event of another rule concerns."""
        raise NotImplementedError

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        """Return the keys to look at again after a change, which `town` already holds."""
        raise NotImplementedError

    def listens(self, kind: type[Reading], town: Town) -> bool:
        """Return False if readings of a kind mean nothing in the town as it is.

        Asked when the engine starts and when the town changes.
        """
        return True

    # ------------------------------------------------------------ what follows for one key, pure

    def on_reading(self, key: str, state: S | None, reading: R, town: Town) -> Verdict[S]:
        """Return what follows from a reading."""
        raise NotImplementedError

    def on_timer(self, key: str, state: S, town: Town) -> Verdict[S]:
        """Return what follows from a timer that is due. It is gone: a new one is to be set, if any,
        and later than now.
        """
        raise NotImplementedError

    def on_event(self, key: str, state: S | None, event: E, town: Town) -> Verdict[S]:
        """Return what follows from an event of another rule."""
        raise NotImplementedError

    def on_change(self, key: str, state: S | None, change: Change, town: Town) -> Verdict[S]:
        """Return what follows from a change of the town, or from the engine's start."""
        raise NotImplementedError

    # ------------------------------------------------------------ what others ask of it

    def enter(self, states: Mapping[str, S], town: Town) -> None:
        """Make what the saved states say part of the town, as their events once did."""

    def battery_watched(self, town: Town) -> float:
        """Return the charge in percent up to which this rule must see every reading."""
        return 0.0

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
        """Return a finding of this rule at the engine's moment, with the settings that applied.

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


AnyRule = Rule[Any, Any, Any, Any]


def is_written(rule: type[AnyRule], method: str) -> bool:
    """Return True if a rule has a method of its own in the place of `Rule`'s."""
    return getattr(rule, method) is not getattr(Rule, method)


def evidence_of(what: str, reading: Reading, detail: str = "") -> Evidence:
    """Return a reading as evidence, at the time it is judged by."""
    return Evidence(what=what, at=reading.at, device=reading.device, id=reading.id, detail=detail)
