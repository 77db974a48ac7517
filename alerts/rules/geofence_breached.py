"""A person is outside a `keep_in` zone or inside a `keep_out` zone.

A fix says *out* (on the wrong side) when it lies more than `margin` metres beyond the edge after
its accuracy is taken off; it says *back* when it lies on the right side of the edge; between the
two, and when it is vaguer than `accuracy_cap` or mocked, it says nothing. A missing or zero
accuracy counts as `accuracy_cap`. Inside one active `keep_in` zone of theirs nobody is out of
another.

Raises when `confirm_fixes` fixes in a row, over at least `confirm_seconds`, say *out* while the
zone is active; clears when as many over as long say *back* (`back`), and when the zone falls
inactive: its `active` hours are over, its `until` has come or it is taken away (`zone_inactive`).
Fixes of other hours say nothing. One wild fix changes nothing. Fixes are ranked by the time they
were made, so late and repeated ones fall into place and any order ends in the same verdict. Each
device of the holder is followed by itself: a tracker outside is not excused by a phone at home.
The finding's key is the zone.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Never

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
from alerts.rules.shared.fences import Period, Sharpness, period_of, shape_of, side_of
from alerts.rules.shared.trails import Confirmation, Fix, Trail, confirmed, ranked
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

    @property
    def sharpness(self) -> Sharpness:
        """Return how sure a fix must be."""
        return Sharpness(self.margin, self.accuracy_cap)


class FenceState(RuleState, frozen=True):
    """What is remembered of one zone in the time it is active."""

    shape: int  # of the zone the fixes were measured against
    owner: str
    trails: dict[str, Trail] = {}  # by device
    breached: bool = False
    begin: datetime | None = None  # of that time; None: it has no beginning


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
            return [zone.id for zone in town.fences.values() if zone.active or zone.until]
        return (*(zone.id for zone in change.plans.zones), *change.plans.removed.get("zones", ()))

    def on_reading(
        self, key: str, state: FenceState | None, reading: Position, town: Town
    ) -> Verdict[FenceState]:
        zone = town.fences[key]
        period = period_of(zone, reading.at, town.zone)
        if period is None or is_over(period, town.now):
            return UNCHANGED
        settings = town.settings(self, zone.owner)
        beside = active_beside(zone, reading.at, town)
        out = side_of(reading, zone, beside, settings.sharpness)
        if out is None:
            return UNCHANGED
        if state is None or (state.begin != period.begin and not state.breached):
            state = FenceState(shape_of(zone), zone.owner, begin=period.begin)
        trail = state.trails.get(reading.device, Trail())
        longer = ranked(trail, Fix(reading.at, reading.id, out), settings.confirmation)
        if longer == trail:
            return UNCHANGED
        state = msgspec.structs.replace(state, trails={**state.trails, reading.device: longer})
        return self._judged(key, state, zone, settings, town)

    def on_timer(self, key: str, state: FenceState, town: Town) -> Verdict[FenceState]:
        return self._closed(key, state, town)

    def on_change(
        self, key: str, state: FenceState | None, change: Change, town: Town
    ) -> Verdict[FenceState]:
        """Follow a zone drawn anew or taken away: old fixes say nothing of the new one."""
        zone = town.fences.get(key)
        if state is None or (zone is not None and state.shape == shape_of(zone)):
            return UNCHANGED if state is None or zone is None else self._resumed(key, state, town)
        period = period_of(zone, town.now, town.zone) if zone is not None else None
        if zone is None or period is None or zone.owner != state.owner:
            return self._closed(key, state, town)
        settings = town.settings(self, zone.owner)
        trails = {
            device: Trail(out=confirmed(trail, settings.confirmation)[0])
            for device, trail in state.trails.items()
        }
        after = FenceState(shape_of(zone), zone.owner, trails, state.breached, period.begin)
        return Keep(after, period.end or NO_TIMER)

    def _resumed(self, key: str, state: FenceState, town: Town) -> Verdict[FenceState]:
        """Give a state of an earlier release, which had no timer, its end."""
        if state.begin is not None:
            return UNCHANGED
        period = period_of(town.fences[key], town.now, town.zone)
        if period is None:
            return self._closed(key, state, town)
        return Keep(msgspec.structs.replace(state, begin=period.begin), period.end or NO_TIMER)

    def _closed(self, key: str, state: FenceState, town: Town) -> Forget:
        """Return the verdict on a zone that has fallen inactive."""
        if not state.breached:
            return Forget()
        detail = f"the zone {key} of {state.owner} is active no longer"
        found = self.finding("cleared", state.owner, "zone_inactive", detail, town=town, key=key)
        return Forget((found,))

    def _judged(
        self, key: str, state: FenceState, zone: Zone, settings: FenceSettings, town: Town
    ) -> Keep[FenceState]:
        """Return the verdict on a zone's trails: its owner has crossed the edge, or has not."""
        period = period_of(zone, town.now, town.zone)
        timer = period.end if period is not None and period.end is not None else NO_TIMER
        held = {device.id for device in town.directory.held_by(zone.owner)}
        runs = {
            device: confirmed(trail, settings.confirmation)
            for device, trail in state.trails.items()
            if device in held
        }
        breached = any(out for out, _ in runs.values())
        if breached == state.breached:
            return Keep(state, timer)
        proof = tuple(
            Evidence(what="position", at=fix.at, device=device, id=fix.id)
            for device, (out, run) in sorted(runs.items())
            if out == breached
            for fix in run
        )
        found = self._crossed(key, zone, breached, proof, town)
        return Keep(msgspec.structs.replace(state, breached=breached), timer, (found,))

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


def active_beside(zone: Zone, at: datetime, town: Town) -> list[Zone]:
    """Return the owner's other zones that are active at a moment."""
    others = (town.fences[key] for key in town.fences_of[zone.owner] if key != zone.id)
    return [other for other in others if period_of(other, at, town.zone) is not None]


def is_over(period: Period, now: datetime) -> bool:
    """Return True if the time in which a zone was active is over by now."""
    return period.end is not None and period.end <= now


def crossed_to(zone: Zone) -> str:
    """Return the reason of a breach."""
    return "left_zone" if zone.rule == "keep_in" else "entered_zone"


GEOFENCE_BREACHED = FenceRule()
