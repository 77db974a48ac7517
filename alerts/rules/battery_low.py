"""A device's battery runs out.

Raises when two messages in a row, by the device's clock, name a charge below `percent`: one low
number alone is often a cold night or a bad measurement. A device that only says that its battery
is low (`battery_low`, with no percentage or against it) says so too. Several readings of one
message are one report, the lower one. Clears when the charge is more than 10 points above
`percent` (`charged`), when a report that came late shows that the two were not in a row
(`late_evidence`), and when the device leaves the register (`device_removed`). The last few reports
are kept in the order of their times, so any order of the same reports ends the same; of a battery
that is well one report an hour is kept. A device in maintenance raises nothing.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec.structs import replace

from alerts.rule import Begun, Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.rules.shared.affected import devices_of
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, FindingEvent, Severity, Stored, TownChanged
from devices.directory import DeviceKind
from devices.readings import (
    DeviceStatus,
    DoorMoved,
    FaceSeen,
    Measured,
    Position,
    Reading,
    SosPressed,
    VisitMarked,
)

CLEARED_ABOVE = 10  # points over `percent`: between the two nothing changes
LOW_FAULTS = ("battery_low", "low_battery")
KEPT = 4  # reports remembered a device, the latest
NO_TIME, NEWS = timedelta(0), timedelta(hours=1)  # so much later a good report is news again


class BatterySettings(Parameters, frozen=True):
    percent: Annotated[float, msgspec.Meta(ge=0, le=99 - CLEARED_ABOVE)] = 15


class Charge(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message's word on the battery."""

    at: datetime
    received_at: datetime  # tells messages apart
    percent: float
    id: str
    is_flag: bool = False  # the device's own word: 0 stands for low, 100 for well


class BatteryState(RuleState, frozen=True):
    reports: tuple[Charge, ...] = ()  # by time
    was_low: bool = False  # what the reports before these had come to
    raised: bool = False


class BatteryRule(Rule[BatteryState, BatterySettings]):
    name = "battery_low"
    severity = Severity.LOW
    wants = (Position, DoorMoved, SosPressed, FaceSeen, VisitMarked, DeviceStatus, Measured)
    vital = wants
    settings = BatterySettings
    state = BatteryState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        if isinstance(said, RuleEvent) or (said.battery is None and flag_of(said) is None):
            return ()
        return (said.device,)

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        return devices_of(change, town, *KINDS)

    def step(self, key: str, state: BatteryState | None, felt: Felt, town: Town) -> Verdict | None:
        if isinstance(felt, Stored):
            if state is not None and is_well(state, felt.reading, self._percent(key, town)):
                return None
            before = state or BatteryState()
            after = reported(before, felt.reading)
            return None if after is before else self._judge(key, after, town)
        if state is None:
            return None
        if town.directory.devices.get(key) is None:
            cleared = self._finding("cleared", key, state, "device_removed", town)
            return Verdict(None, (cleared,) if state.raised else ())
        return self._judge(key, state, town)

    def _judge(self, key: str, state: BatteryState, town: Town) -> Verdict:
        percent = self._percent(key, town)
        low = is_low(state.reports, percent, state.was_low)
        state = forgetting(state, percent)
        device = town.directory.devices.get(key)
        if low == state.raised or (low and device is not None and device.maintenance):
            return Verdict(state)
        event: FindingEvent = "raised" if low else "cleared"
        reason = "below"
        if not low:
            charged = state.reports[-1].percent > percent + CLEARED_ABOVE
            reason = "charged" if charged else "late_evidence"
        found = self._finding(event, key, state, reason, town)
        return Verdict(replace(state, raised=low), (found,))

    def _percent(self, key: str, town: Town) -> float:
        return town.settings(self, f"device:{key}").percent

    def _finding(
        self, event: FindingEvent, key: str, state: BatteryState, reason: str, town: Town
    ) -> Finding:
        latest = state.reports[-1]
        return self.finding(
            event,
            f"device:{key}",
            reason,
            f"the battery of {key} {in_words(latest)}",
            town=town,
            evidence=tuple(
                Evidence(what="battery", at=c.at, device=key, id=c.id, detail=in_figures(c))
                for c in state.reports[-2:]
            ),
        )


def is_well(state: BatteryState, said: Reading, percent: float) -> bool:
    """Is this one more report of a battery that was well less than `NEWS` before?"""
    if state.raised or said.battery is None or said.battery < percent or flag_of(said):
        return False
    latest = state.reports[-1]
    return latest.percent >= percent and NO_TIME <= said.at - latest.at < NEWS


def reported(state: BatteryState, said: Reading) -> BatteryState:
    """The state with this reading's report; the same state where it says nothing new."""
    charge = charge_of(said)
    same = [one for one in state.reports if one.received_at == charge.received_at]
    if any(one.at >= charge.at and not is_lower_word(charge, one) for one in same):
        return state
    if len(state.reports) == KEPT and charge.at < state.reports[0].at:
        return state
    others = (one for one in state.reports if one not in same)
    return replace(state, reports=tuple(sorted((*others, charge), key=by_time)))


def flag_of(said: Reading) -> bool | None:
    """What a device says of its battery in a word: True is low; None: nothing."""
    if not isinstance(said, DeviceStatus):
        return None
    return True if said.fault in LOW_FAULTS else said.battery_low


def charge_of(said: Reading) -> Charge:
    """The report of a reading that has one: the word `low` goes before a percentage."""
    low = flag_of(said)
    if low or said.battery is None:
        return Charge(said.at, said.received_at, 0.0 if low else 100.0, said.id, is_flag=True)
    return Charge(said.at, said.received_at, said.battery, said.id)


def is_lower_word(charge: Charge, other: Charge) -> bool:
    """Does a message say low in a word beside a percentage that says otherwise?"""
    return charge.is_flag and charge.percent < other.percent


def in_words(charge: Charge) -> str:
    if not charge.is_flag:
        return f"is at {charge.percent:g} %"
    return "is low, it says" if charge.percent == 0 else "is well again, it says"


def in_figures(charge: Charge) -> str:
    if not charge.is_flag:
        return f"{charge.percent:g} %"
    return "low" if charge.percent == 0 else "well"


def by_time(charge: Charge) -> tuple[datetime, datetime]:
    return charge.at, charge.received_at


def is_low(reports: Iterable[Charge], percent: float, low: bool = False) -> bool:
    """What reports in their order come to: low from two in a row on, until it is charged."""
    before_low = False
    for report in reports:
        below = report.percent < percent
        low = (low or (below and before_low)) and report.percent <= percent + CLEARED_ABOVE
        before_low = below
    return low


def forgetting(state: BatteryState, percent: float) -> BatteryState:
    """The state with its latest reports and what those before had come to."""
    if len(state.reports) <= KEPT:
        return state
    was_low = is_low(state.reports[:2], percent, state.was_low)
    return replace(state, reports=state.reports[1:], was_low=was_low)


KINDS: tuple[DeviceKind, ...] = ("phone", "door", "sos", "terminal", "sensor")
BATTERY_LOW = BatteryRule()
