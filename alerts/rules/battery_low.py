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
from typing import Annotated, Never

import msgspec
from msgspec.structs import replace

from alerts.rule import NO_TIMER, UNCHANGED, Change, Forget, Keep, Rule, RuleState, Verdict
from alerts.rules.shared.affected import devices_of
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, FindingEvent, Severity
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
from devices.subject import Subject

# All our choice.
CLEARED_ABOVE = 10  # points over `percent`: between the two nothing changes
LOW_FAULTS = ("battery_low", "low_battery")
KEPT = 4  # reports remembered a device, the latest
NO_TIME, NEWS = timedelta(0), timedelta(hours=1)  # so much later a good report is news again


class BatterySettings(Parameters, frozen=True):
    """The default is our choice; the upper bound leaves room to clear above it."""

    percent: Annotated[float, msgspec.Meta(ge=0, le=99 - CLEARED_ABOVE)] = 15


class Charge(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one message says of the battery."""

    at: datetime
    received_at: datetime  # tells messages apart
    percent: float
    id: str
    is_flag: bool = False  # the device's own word: 0 stands for low, 100 for well


class BatteryState(RuleState, frozen=True):
    """What is remembered of one device."""

    reports: tuple[Charge, ...] = ()  # by time
    was_low: bool = False  # what the reports before these had come to
    raised: bool = False


class BatteryRule(Rule[BatteryState, BatterySettings, Reading, Never]):
    name = "battery_low"
    severity = Severity.LOW
    readings = (Position, DoorMoved, SosPressed, FaceSeen, VisitMarked, DeviceStatus, Measured)
    vital = readings
    settings = BatterySettings
    state = BatteryState

    def battery_watched(self, town: Town) -> float:
        """Return the highest level, in percent, at which any setting of the town still alerts."""
        return max(settings.percent for settings in town.settings_anywhere(self))

    def route_reading(self, reading: Reading, town: Town) -> Iterable[str]:
        is_silent = reading.battery is None and flag_of(reading) is None
        return () if is_silent else (reading.device,)

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        return devices_of(change, town, *KINDS)

    def on_reading(
        self, key: str, state: BatteryState | None, reading: Reading, town: Town
    ) -> Verdict[BatteryState]:
        if state is not None and is_well(state, reading, self._percent(key, town)):
            return UNCHANGED
        before = state or BatteryState()
        after = reported(before, reading)
        return UNCHANGED if after is before else self._judge(key, after, town)

    def on_change(
        self, key: str, state: BatteryState | None, change: Change, town: Town
    ) -> Verdict[BatteryState]:
        if state is None:
            return UNCHANGED
        if town.directory.devices.get(key) is not None:
            return self._judge(key, state, town)
        cleared = self._finding("cleared", key, state, "device_removed", town)
        return Forget((cleared,) if state.raised else ())

    def _judge(self, key: str, state: BatteryState, town: Town) -> Keep[BatteryState]:
        """Return the verdict that the reports come to."""
        percent = self._percent(key, town)
        low = is_low(state.reports, percent, state.was_low)
        state = forgetting(state, percent)
        device = town.directory.devices.get(key)
        if low == state.raised or (low and device is not None and device.maintenance):
            return Keep(state, NO_TIMER)
        event: FindingEvent = "raised" if low else "cleared"
        reason = "below"
        if not low:
            charged = state.reports[-1].percent > percent + CLEARED_ABOVE
            reason = "charged" if charged else "late_evidence"
        found = self._finding(event, key, state, reason, town)
        return Keep(replace(state, raised=low), NO_TIMER, (found,))

    def _percent(self, key: str, town: Town) -> float:
        """Return the charge that is low for a device."""
        return town.settings(self, str(Subject("device", key))).percent

    def _finding(
        self, event: FindingEvent, key: str, state: BatteryState, reason: str, town: Town
    ) -> Finding:
        """Return a finding on a device, with its last two reports."""
        latest = state.reports[-1]
        return self.finding(
            event,
            str(Subject("device", key)),
            reason,
            f"the battery of {key} {in_words(latest)}",
            town=town,
            evidence=tuple(
                Evidence(what="battery", at=c.at, device=key, id=c.id, detail=in_figures(c))
                for c in state.reports[-2:]
            ),
        )


def is_well(state: BatteryState, reading: Reading, percent: float) -> bool:
    """Return True if this is one more report of a battery that was well less than `NEWS` before."""
    if state.raised or reading.battery is None or reading.battery < percent or flag_of(reading):
        return False
    latest = state.reports[-1]
    return latest.percent >= percent and NO_TIME <= reading.at - latest.at < NEWS


def reported(state: BatteryState, reading: Reading) -> BatteryState:
    """Return the state with this reading's report; the same state where it says nothing new."""
    charge = charge_of(reading)
    same = [one for one in state.reports if one.received_at == charge.received_at]
    if any(one.at >= charge.at and not is_lower_word(charge, one) for one in same):
        return state
    if len(state.reports) == KEPT and charge.at < state.reports[0].at:
        return state
    others = (one for one in state.reports if one not in same)
    return replace(state, reports=tuple(sorted((*others, charge), key=by_time)))


def flag_of(reading: Reading) -> bool | None:
    """Return True if a device says in a word that its battery is low, None if it says no word."""
    if not isinstance(reading, DeviceStatus):
        return None
    return True if reading.fault in LOW_FAULTS else reading.battery_low


def charge_of(reading: Reading) -> Charge:
    """Return the report of a reading that has one: the word `low` goes before a percentage."""
    at, received_at, low = reading.at, reading.received_at, flag_of(reading)
    if low or reading.battery is None:
        return Charge(at, received_at, 0.0 if low else 100.0, reading.id, is_flag=True)
    return Charge(at, received_at, reading.battery, reading.id)


def is_lower_word(charge: Charge, other: Charge) -> bool:
    """Return True if a message says low in a word beside a percentage that says otherwise."""
    return charge.is_flag and charge.percent < other.percent


def in_words(charge: Charge) -> str:
    """Return what a report says, as the end of a sentence."""
    if not charge.is_flag:
        return f"is at {charge.percent:g} %"
    return "is low, it says" if charge.percent == 0 else "is well again, it says"


def in_figures(charge: Charge) -> str:
    """Return what a report says, as the detail of a piece of evidence."""
    if not charge.is_flag:
        return f"{charge.percent:g} %"
    return "low" if charge.percent == 0 else "well"


def by_time(charge: Charge) -> tuple[datetime, datetime]:
    """Sort reports by the device's time; of two of one moment the one received first leads."""
    return charge.at, charge.received_at


def is_low(reports: Iterable[Charge], percent: float, low: bool = False) -> bool:
    """Return what reports in their order come to: low from two in a row on, until charged."""
    before_low = False
    for report in reports:
        below = report.percent < percent
        low = (low or (below and before_low)) and report.percent <= percent + CLEARED_ABOVE
        before_low = below
    return low


def forgetting(state: BatteryState, percent: float) -> BatteryState:
    """Return the state with its latest reports and what those before had come to."""
    if len(state.reports) <= KEPT:
        return state
    was_low = is_low(state.reports[:2], percent, state.was_low)
    return replace(state, reports=state.reports[1:], was_low=was_low)


KINDS: tuple[DeviceKind, ...] = ("phone", "door", "sos", "terminal", "sensor")
BATTERY_LOW = BatteryRule()
