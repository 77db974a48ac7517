"""A device's battery runs out.

Raises when the two latest messages that name a charge, by the device's clock, are both below
`percent`: one low number alone is often a cold night or a bad measurement. Several readings of
one message are one report. Clears when the latest report is more than 10 points above `percent`
(`charged`), and when the device leaves the register (`device_removed`). Reports older than the
two latest change nothing, so any order of the same reports ends the same; of a battery that is
well one report an hour is kept. A device in maintenance raises nothing.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from alerts.concern import devices_of
from alerts.rule import Begun, Felt, Rule, Settings, State, Told, Verdict
from alerts.types import Evidence, Finding, FindingEvent, Severity, Stored, TownChanged
from devices.directory import DeviceKind
from devices.readings import (
    DeviceStatus,
    DoorMoved,
    FaceSeen,
    Position,
    Reading,
    SosPressed,
    VisitMarked,
)

if TYPE_CHECKING:
    from alerts.known import Known

NO_TIME, NEWS = timedelta(0), timedelta(hours=1)
CLEARED_ABOVE = 10  # points over `percent`: between the two nothing changes


class BatterySettings(Settings, frozen=True):
    percent: float = 15


class Charge(msgspec.Struct, frozen=True, array_like=True):
    """One message's word on the battery."""

    at: datetime
    received_at: datetime  # tells messages apart
    percent: float
    id: str


class BatteryState(State, frozen=True):
    reports: tuple[Charge, ...] = ()  # the two latest, older first
    raised: bool = False


class BatteryRule(Rule[BatteryState, BatterySettings]):
    name = "battery_low"
    severity = Severity.LOW
    wants = (Position, DoorMoved, SosPressed, FaceSeen, VisitMarked, DeviceStatus)
    settings = BatterySettings
    state = BatteryState

    def route(self, said: Reading | Told, known: "Known") -> Iterable[str]:
        if isinstance(said, Told) or said.battery is None:
            return ()
        return (said.device,)

    def affected(self, change: TownChanged | Begun, known: "Known") -> Iterable[str]:
        return devices_of(change, known, *KINDS)

    def step(
        self, key: str, state: BatteryState | None, felt: Felt, known: "Known"
    ) -> Verdict | None:
        if isinstance(felt, Stored):
            if state is not None and is_well(state, felt.reading, self._percent(key, known)):
                return None
            before = state or BatteryState()
            after = reported(before, felt.reading)
            return None if after is before else self._judge(key, after, known)
        if state is None:
            return None
        if known.directory.devices.get(key) is None:
            cleared = self._finding("cleared", key, state, "device_removed", known)
            return Verdict(None, (cleared,) if state.raised else ())
        return self._judge(key, state, known)

    def _judge(self, key: str, state: BatteryState, known: "Known") -> Verdict:
        percent = self._percent(key, known)
        latest = state.reports[-1]
        if state.raised and latest.percent > percent + CLEARED_ABOVE:
            cleared = self._finding("cleared", key, state, "charged", known)
            return Verdict(BatteryState(state.reports), (cleared,))
        low = len(state.reports) > 1 and all(said.percent < percent for said in state.reports)
        device = known.directory.devices.get(key)
        if state.raised or not low or (device is not None and device.maintenance):
            return Verdict(state)
        raised = self._finding("raised", key, state, "below", known)
        return Verdict(BatteryState(state.reports, raised=True), (raised,))

    def _percent(self, key: str, known: "Known") -> float:
        return known.settings(self, f"device:{key}").percent

    def _finding(
        self, event: FindingEvent, key: str, state: BatteryState, reason: str, known: "Known"
    ) -> Finding:
        latest = state.reports[-1]
        return self.finding(
            event,
            f"device:{key}",
            reason,
            f"the battery of {key} is at {latest.percent:g} %",
            known=known,
            evidence=tuple(
                Evidence(what="battery", at=c.at, device=key, id=c.id, detail=f"{c.percent:g} %")
                for c in state.reports
            ),
        )


def is_well(state: BatteryState, said: Reading, percent: float) -> bool:
    """Is this one more report of a battery that was well less than `NEWS` before?"""
    if state.raised or said.battery is None or said.battery < percent:
        return False
    latest = state.reports[-1]
    return latest.percent >= percent and NO_TIME <= said.at - latest.at < NEWS


def reported(state: BatteryState, said: Reading) -> BatteryState:
    """The state with this reading's report; the same state where it is older than both."""
    assert said.battery is not None
    charge = Charge(said.at, said.received_at, said.battery, said.id)
    for known in state.reports:
        if known.received_at == charge.received_at and known.at >= charge.at:
            return state
    others = [c for c in state.reports if c.received_at != charge.received_at]
    latest = tuple(sorted((*others, charge), key=lambda c: (c.at, c.received_at)))[-2:]
    return state if latest == state.reports else BatteryState(latest, state.raised)


KINDS: tuple[DeviceKind, ...] = ("phone", "door", "sos", "terminal", "sensor")
BATTERY_LOW = BatteryRule()
