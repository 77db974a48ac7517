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

from bisect import insort
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from itertools import takewhile
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec

from alerts.rule import Begun, Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.town.geometry import Fence
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity, Stored, TownChanged, Zone
from devices.readings import Position, Reading

KEPT = 48  # fixes ranked a device: half of them always suffice to confirm


class FenceSettings(Parameters, frozen=True):
    confirm_fixes: int = 2
    confirm_seconds: float = 120
    margin: float = 20  # metres
    accuracy_cap: float = 100  # metres


class Fix(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """One fix that says something."""

    at: datetime
    id: str
    out: bool


class Trail(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The latest fixes of one device, and what was confirmed before them."""

    fixes: tuple[Fix, ...] = ()
    out: bool = False


class FenceState(RuleState, frozen=True):
    shape: int  # of the zone the fixes were measured against
    owner: str
    trails: dict[str, Trail] = {}  # by device
    breached: bool = False


class FenceRule(Rule[FenceState, FenceSettings]):
    name = "geofence_breached"
    severity = Severity.HIGH
    wants = (Position,)
    settings = FenceSettings
    state = FenceState

    def listens(self, kind: type, town: Town) -> bool:
        return bool(town.fences)

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        if not isinstance(said, Position):
            return ()
        return town.fences_of.get(town.subject_of(said.device), ())

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        if isinstance(change, Begun):
            return ()
        return (*(zone.id for zone in change.plans.zones), *change.plans.removed.get("zones", ()))

    def step(self, key: str, state: FenceState | None, felt: Felt, town: Town) -> Verdict | None:
        zone = town.fences.get(key)
        if isinstance(felt, TownChanged):
            return self._redrawn(key, state, zone, town)
        if zone is None or not isinstance(felt, Stored) or not isinstance(felt.reading, Position):
            return None
        state = state or FenceState(shape_of(zone), zone.owner)
        settings = town.settings(self, zone.owner)
        out = verdict_of(felt.reading, zone, settings, town.zone)
        if out is None:
            return None
        device = felt.reading.device
        trail = state.trails.get(device, Trail())
        longer = ranked(trail, Fix(felt.reading.at, felt.reading.id, out), settings)
        if longer == trail:
            return None
        state = msgspec.structs.replace(state, trails={**state.trails, device: longer})
        return self._judged(key, state, zone, settings, town)

    def _judged(
        self, key: str, state: FenceState, zone: Zone, settings: FenceSettings, town: Town
    ) -> Verdict:
        held = {device.id for device in town.directory.held_by(zone.owner)}
        runs = {
            device: confirmed(trail, settings)
            for device, trail in state.trails.items()
            if device in held
        }
        breached = any(out for out, _ in runs.values())
        if breached == state.breached:
            return Verdict(state)
        proof = tuple(
            Evidence(what="position", at=fix.at, device=device, id=fix.id)
            for device, (out, run) in sorted(runs.items())
            if out == breached
            for fix in run
        )
        found = self._crossed(key, zone, breached, proof, town)
        return Verdict(msgspec.structs.replace(state, breached=breached), (found,))

    def _crossed(
        self, key: str, zone: Zone, breached: bool, proof: tuple[Evidence, ...], town: Town
    ) -> Finding:
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

    def _redrawn(
        self, key: str, state: FenceState | None, zone: Zone | None, town: Town
    ) -> Verdict | None:
        """The zone was drawn anew or taken away: old fixes say nothing of the new one."""
        if state is None or (zone is not None and state.shape == shape_of(zone)):
            return None
        if zone is not None and zone.owner == state.owner:
            settings = town.settings(self, zone.owner)
            trails = {
                device: Trail(out=confirmed(trail, settings)[0])
                for device, trail in state.trails.items()
            }
            return Verdict(FenceState(shape_of(zone), zone.owner, trails, state.breached))
        if not state.breached:
            return Verdict(None)
        detail = f"the zone {key} of {state.owner} was taken away"
        found = self.finding("cleared", state.owner, "zone_removed", detail, town=town, key=key)
        return Verdict(None, (found,))


def verdict_of(fix: Position, zone: Zone, settings: FenceSettings, tz: ZoneInfo) -> bool | None:
    """True: out (on the wrong side). False: back. None: the fix says nothing."""
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


def ranked(trail: Trail, fix: Fix, settings: FenceSettings) -> Trail:
    """The trail with one more fix in its place. A repeat, or one too old to matter, changes none.

    Of the fixes of one side in one grain of time the first stands for all.
    """
    kept = max(KEPT, settings.confirm_fixes * 2)
    fixes = list(trail.fixes)
    if len(fixes) == kept and fix < fixes[0]:
        return trail
    twin = twin_of(fix, fixes, settings.confirm_seconds * 2 / KEPT)
    if twin is not None:
        if twin <= fix:
            return trail
        fixes.remove(twin)
    insort(fixes, fix)
    if len(fixes) <= kept:
        return Trail(tuple(fixes), trail.out)
    leading = tuple(takewhile(lambda other: other.out == fixes[0].out, fixes))
    return Trail(tuple(fixes[1:]), confirmed(Trail(leading, trail.out), settings)[0])


def twin_of(fix: Fix, fixes: list[Fix], grain: float) -> Fix | None:
    """The fix of the same side in the same grain of time (seconds)."""
    start = fix.at.timestamp() // grain * grain if grain > 0 else fix.at.timestamp()
    for other in reversed(fixes):
        at = other.at.timestamp()
        if at < start:
            return None
        if other.out == fix.out and (at < start + grain or other.at == fix.at):
            return other
    return None


def confirmed(trail: Trail, settings: FenceSettings) -> tuple[bool, tuple[Fix, ...]]:
    """The side of the latest run that is long enough, with the run's fixes that prove it."""
    run: list[Fix] = []
    for fix in reversed(trail.fixes):
        if run and run[-1].out != fix.out:
            run = []
        run.append(fix)
        lasted = (run[0].at - fix.at).total_seconds()
        if len(run) >= settings.confirm_fixes and lasted >= settings.confirm_seconds:
            return fix.out, (run[-1], run[0])
    return trail.out, ()


def active(hours: str | None, at: datetime, tz: ZoneInfo) -> bool:
    """Is a moment within "20:00-06:00" of the town's time? Hours may run across midnight."""
    if not hours:
        return True
    start, _, end = (part.strip() for part in hours.partition("-"))
    clock = f"{at.astimezone(tz):%H:%M}"
    if start <= end:
        return start <= clock < end
    return clock >= start or clock < end


def crossed_to(zone: Zone) -> str:
    return "left_zone" if zone.rule == "keep_in" else "entered_zone"


def shape_of(zone: Zone) -> int:
    """A number that changes when the zone does."""
    return crc32(msgspec.json.encode(zone))


@lru_cache(maxsize=65_536)
def fence_of(zone: Zone) -> Fence:
    return Fence(zone)


GEOFENCE_BREACHED = FenceRule()
