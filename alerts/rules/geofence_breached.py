"""A person is outside a `keep_in` zone or inside a `keep_out` zone.

A fix says *out* (on the wrong side) when it lies more than `margin` metres beyond the edge after
its accuracy is taken off; it says *back* when it lies on the right side of the edge; between the
two, and when it is vaguer than `accuracy_cap` or mocked, it says nothing. A missing or zero
accuracy counts as `accuracy_cap`. Outside the zone's `active` hours a fix can only say *back*.

Raises when `confirm_fixes` fixes in a row, over at least `confirm_seconds`, say *out*; clears when
as many over as long say *back*. One wild fix changes nothing. Fixes are ranked by the time they
were made, so late and repeated ones fall into place and any order ends in the same verdict. Each
device of the holder is followed by itself: a tracker outside is not excused by a phone at home.
The finding's key is the zone. A zone that is taken away clears.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Never
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec

from alerts.rule import (
    NO_TIMER,
    UNCHANGED,
    Begun,
    Change,
    Forget,
    Keep,
    Rule,
    RuleState,
    Verdict,
)
from alerts.rules.shared.trails import Confirmation, Fix, Trail, confirmed, ranked
from alerts.town.geometry import Fence
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity, Zone
from devices.readings import Position, Reading


class FenceSettings(Parameters, frozen=True):
    """What makes a crossing sure: two fixes and 20 m, as in Tracelet, and 120 s (our choice)."""

    confirm_fixes: int = 2
    confirm_seconds: float = 120
    margin: float = 20  # metres
    accuracy_cap: float = 100  # metres

    @property
    def confirmation(self) -> Confirmation:
        """Return what makes a crossing sure."""
        return Confirmation(self.confirm_fixes, self.confirm_seconds)


class FenceState(RuleState, frozen=True):
    """What is remembered of one zone."""

    shape: int  # of the zone the fixes were measured against
    owner: str
    trails: dict[str, Trail] = {}  # by device
    breached: bool = False


class FenceRule(Rule[FenceState, FenceSettings, Position, Never]):
    name = "geofence_breached"
    severity = Severity.HIGH
    readings = (Position,)
    settings = FenceSettings
    state = FenceState

    def listens(self, kind: type[Reading], town: Town) -> bool:
        return bool(town.fences)

    def route_reading(self, reading: Position, town: Town) -> Iterable[str]:
        return town.fences_of.get(town.subject_of(reading.device), ())

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        if isinstance(change, Begun):
            return ()
        return (*(zone.id for zone in change.plans.zones), *change.plans.removed.get("zones", ()))

    def on_reading(
        self, key: str, state: FenceState | None, reading: Position, town: Town
    ) -> Verdict[FenceState]:
        zone = town.fences[key]
        settings = town.settings(self, zone.owner)
        out = side_of(reading, zone, settings, town.zone)
        if out is None:
            return UNCHANGED
        state = state or FenceState(shape_of(zone), zone.owner)
        trail = state.trails.get(reading.device, Trail())
        longer = ranked(trail, Fix(reading.at, reading.id, out), settings.confirmation)
        if longer == trail:
            return UNCHANGED
        state = msgspec.structs.replace(state, trails={**state.trails, reading.device: longer})
        return self._judged(key, state, zone, settings, town)

    def on_change(
        self, key: str, state: FenceState | None, change: Change, town: Town
    ) -> Verdict[FenceState]:
        """Follow a zone drawn anew or taken away: old fixes say nothing of the new one."""
        zone = town.fences.get(key)
        if state is None or (zone is not None and state.shape == shape_of(zone)):
            return UNCHANGED
        if zone is not None and zone.owner == state.owner:
            settings = town.settings(self, zone.owner)
            trails = {
                device: Trail(out=confirmed(trail, settings.confirmation)[0])
                for device, trail in state.trails.items()
            }
            return Keep(FenceState(shape_of(zone), zone.owner, trails, state.breached), NO_TIMER)
        if not state.breached:
            return Forget()
        detail = f"the zone {key} of {state.owner} was taken away"
        found = self.finding("cleared", state.owner, "zone_removed", detail, town=town, key=key)
        return Forget((found,))

    def _judged(
        self, key: str, state: FenceState, zone: Zone, settings: FenceSettings, town: Town
    ) -> Keep[FenceState]:
        """Return the verdict on a zone's trails: its owner has crossed the edge, or has not."""
        held = {device.id for device in town.directory.held_by(zone.owner)}
        runs = {
            device: confirmed(trail, settings.confirmation)
            for device, trail in state.trails.items()
            if device in held
        }
        breached = any(out for out, _ in runs.values())
        if breached == state.breached:
            return Keep(state, NO_TIMER)
        proof = tuple(
            Evidence(what="position", at=fix.at, device=device, id=fix.id)
            for device, (out, run) in sorted(runs.items())
            if out == breached
            for fix in run
        )
        found = self._crossed(key, zone, breached, proof, town)
        return Keep(msgspec.structs.replace(state, breached=breached), NO_TIMER, (found,))

    def _crossed(
        self, key: str, zone: Zone, breached: bool, proof: tuple[Evidence, ...], town: Town
    ) -> Finding:
        """Return the finding that the owner is on the other side of the edge now."""
        where = "outside" if (zone.rule == "keep_in") == breached else "inside"
        since = f" since {proof[0].at.astimezone(town.zone):%H:%M}" if proof and proof[0].at else ""
        return self.finding(
            "raised" if breached else "cleared",
            zone.owner,
            crossed_to(zone) if breached else "back",
            f"{zone.owner} is {where} the {zone.rule} zone {zone.id}{since}",
            town=town,
            key=key,
            evidence=proof,
        )


def side_of(fix: Position, zone: Zone, settings: FenceSettings, tz: ZoneInfo) -> bool | None:
    """Return True if a fix says *out*, False if it says *back*, None if it says nothing."""
    cap = settings.accuracy_cap
    accuracy = fix.accuracy or cap
    if accuracy > cap or fix.mock:
        return None
    beyond = fence_of(zone).beyond(fix.lat, fix.lon)
    wrong = beyond if zone.rule == "keep_in" else -beyond
    if wrong <= 0:
        return False
    if wrong - accuracy <= settings.margin or not active(zone.active, fix.at, tz):
        return None
    return True


def active(hours: str | None, at: datetime, tz: ZoneInfo) -> bool:
    """Return True if a moment is within "20:00-06:00" (or "06:00-20:00") of the town's time."""
    if not hours:
        return True
    start, _, end = (part.strip() for part in hours.partition("-"))
    clock = f"{at.astimezone(tz):%H:%M}"
    if start <= end:
        return start <= clock < end
    return clock >= start or clock < end


def crossed_to(zone: Zone) -> str:
    """Return the reason of a breach."""
    return "left_zone" if zone.rule == "keep_in" else "entered_zone"


def shape_of(zone: Zone) -> int:
    """Return a number that changes when the zone does."""
    return crc32(msgspec.json.encode(zone))


@lru_cache(maxsize=65_536)
def fence_of(zone: Zone) -> Fence:
    """Return a zone's edge, made ready once."""
    return Fence(zone)


GEOFENCE_BREACHED = FenceRule()
