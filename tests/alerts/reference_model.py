"""The card's three rules once more, as plainly and slowly as they can be said.

Each function looks at everything heard so far and answers what stands open now: no states, no
increments, no timers. `told` walks the moments at which anything can change and writes down what
opened, changed and closed.
"""

import itertools
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt

from alerts.types import PlannedVisit, Zone
from devices.directory import Client, Directory
from devices.readings import DoorMoved, Position, Reading, SosPressed, VisitMarked

RuleEvent = tuple[datetime, str, str, str]  # moment, key, event, reason
MINUTE = timedelta(minutes=1)


def metres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Haversine."""
    a, b = radians(lat), radians(other_lat)
    across = sin(radians(other_lon - lon) / 2) ** 2
    return 2 * 6_371_000 * asin(sqrt(sin((b - a) / 2) ** 2 + cos(a) * cos(b) * across))


def told(
    readings: list[Reading],
    timers: Iterable[datetime],
    open_at: Callable[[list[Reading], datetime], dict[str, str]],
) -> list[RuleEvent]:
    """What was said at each moment, given what stands open (key -> reason) at each."""
    said: list[RuleEvent] = []
    before: dict[str, str] = {}
    moments = sorted({*timers, *(reading.received_at for reading in readings)})
    for now in moments:
        steps = [i for i, reading in enumerate(readings, 1) if reading.received_at == now]
        heard = sum(reading.received_at < now for reading in readings)
        for upto in steps or [heard]:
            after = open_at(readings[:upto], now)
            said += changes(before, after, now)
            before = after
    return said


def changes(before: dict[str, str], after: dict[str, str], now: datetime) -> list[RuleEvent]:
    found: list[RuleEvent] = []
    for key in sorted({*before, *after}):
        was, reason = before.get(key), after.get(key)
        if was == reason:
            continue
        event = "raised" if was is None else "cleared" if reason is None else "revised"
        found.append((now, key, event, reason or ""))
    return found


# ---------------------------------------------------------------- sos_pressed


def sos(readings: list[Reading], subject_of: Callable[[str], str]) -> list[RuleEvent]:
    """Every press raises or joins; a repeat, a test and a cancel do not."""
    said: list[RuleEvent] = []
    heard: set[tuple[str, str, datetime]] = set()
    raised: dict[str, list[datetime]] = {}
    for press in readings:
        if not isinstance(press, SosPressed) or press.press in ("test", "cancel"):
            continue
        if (press.device, press.id, press.at) in heard:
            continue
        heard.add((press.device, press.id, press.at))
        subject = subject_of(press.device)
        near = [at for at in raised.get(subject, []) if abs(at - press.at) <= 10 * MINUTE]
        if not near:
            raised.setdefault(subject, []).append(press.at)
        said.append((press.received_at, subject, "joined" if near else "raised", ""))
    return said


# ---------------------------------------------------------------- geofence_breached


def breached(heard: list[Reading], zone: Zone, devices: set[str]) -> bool:
    """Is any device of the owner on the wrong side, by its last confirmed run?"""
    return any(
        is_out([fix for fix in heard if isinstance(fix, Position) and fix.device == device], zone)
        for device in devices
    )


def is_out(fixes: list[Position], zone: Zone) -> bool:
    out, run = False, []
    for fix in sorted({fix.id: fix for fix in fixes}.values(), key=lambda fix: (fix.at, fix.id)):
        side = side_of(fix, zone)
        if side is None:
            continue
        if run and run[-1][0] != side:
            run = []
        run.append((side, fix.at))
        if len(run) >= 2 and fix.at - run[0][1] >= 2 * MINUTE:
            out = side
    return out


def side_of(fix: Position, zone: Zone) -> bool | None:
    assert zone.circle is not None
    accuracy = fix.accuracy or 100
    if fix.mock or accuracy > 100:
        return None
    distance = metres(zone.circle.lat, zone.circle.lon, fix.lat, fix.lon) - zone.circle.radius
    wrong = distance if zone.rule == "keep_in" else -distance
    if wrong <= 0:
        return False
    return True if wrong - accuracy > 20 else None


# ---------------------------------------------------------------- visit_missed


class Visits:
    """The visits of one day, planned singly, and where everybody lives."""

    def __init__(self, directory: Directory, plans: list[PlannedVisit]) -> None:
        self.directory = directory
        self.plans = plans
        self.places: dict[tuple[str, str], str] = {}

    def due(self) -> list[datetime]:
        return [plan.end + 60 * MINUTE for plan in self.plans]

    def missed(self, heard: list[Reading], now: datetime) -> dict[str, str]:
        """The visits that stand as missed, with the reason."""
        return {
            plan.id: reason
            for plan in self.plans
            if now >= plan.end + 60 * MINUTE
            and (reason := self.reason(plan, heard, now)) is not None
        }

    def reason(self, plan: PlannedVisit, heard: list[Reading], now: datetime) -> str | None:
        came = self.who_came(plan, heard, now)
        if came is not None:
            return None if came[0] == plan.caregiver else "substitute_came"
        own = f"caregiver:{plan.caregiver}"
        if not any(device.kind == "phone" for device in self.directory.held_by(own)):
            return "no_caregiver_data"
        fixes = [f for f in heard if isinstance(f, Position) and self.holder(f) == plan.caregiver]
        first, last = plan.start - 30 * MINUTE, plan.end + 60 * MINUTE
        if any(fix.mock and first <= fix.at <= last for fix in fixes):
            return "caregiver_mock"
        places = [(fix.at, self.place(plan, fix)) for fix in fixes]
        home = sorted(at for at, place in places if place == "home")
        served = self.taken(plan, plan.caregiver or "", heard, now)
        busy = [at for at in home if any(begin <= at <= end for begin, end in served)]
        seen = sorted([*(at for at, place in places if place == "elsewhere"), *busy])
        away = [at for at in seen if plan.start <= at <= plan.end]
        if away and longest_unseen(seen, plan) <= plan.minutes * MINUTE:
            return "caregiver_elsewhere"
        spoke = sorted(self.heard(plan, fixes))
        within = [at for at in spoke if plan.start <= at <= plan.end]
        if within and longest_unseen(spoke, plan) <= plan.minutes * MINUTE:
            return "caregiver_unplaced"
        return "caregiver_silent"

    def heard(self, plan: PlannedVisit, fixes: list[Position]) -> list[datetime]:
        """When the phone spoke: by its fixes, or by our clock where a fix is old or vague."""
        placed = [fix.at for fix in fixes if self.place(plan, fix) in ("home", "elsewhere")]
        unplaced = [
            fix.received_at
            for fix in fixes
            if fix.received_at - fix.at > MINUTE or (fix.accuracy or 0) > 200
        ]
        return placed + [at for at in unplaced if is_open(plan, at)]

    def who_came(
        self, plan: PlannedVisit, heard: list[Reading], now: datetime
    ) -> tuple[str, datetime, datetime | None] | None:
        """The planned caregiver if anything shows it, else the first other; from when to when."""
        people = {self.holder(reading) for reading in heard} - {None}
        found = {who: self.came(plan, who, heard, now) for who in people if who is not None}
        stays = [(began, who, end) for who, (began, end) in found.items() if began is not None]
        own = [(who, began, end) for began, who, end in stays if who == plan.caregiver]
        others = [(who, began, end) for began, who, end in sorted(stays, key=lambda s: s[:2])]
        return next(iter([*own, *others]), None)

    def taken(
        self, plan: PlannedVisit, who: str, heard: list[Reading], now: datetime
    ) -> list[tuple[datetime, datetime]]:
        """When somebody served visits whose windows come before this one's."""
        found = []
        for other in self.plans:
            if order(other) >= order(plan):
                continue
            came = self.who_came(other, heard, now)
            if came is not None and came[0] == who:
                enough = came[1] + other.minutes * MINUTE
                found.append((came[1], min(enough, came[2] or enough)))
        return found

    def came(
        self, plan: PlannedVisit, who: str, heard: list[Reading], now: datetime
    ) -> tuple[datetime | None, datetime | None]:
        """From when to when somebody was there, as far as minutes are left for this visit."""
        first, last = plan.start - 30 * MINUTE, plan.end + 60 * MINUTE
        fixes = [f for f in heard if isinstance(f, Position) and self.holder(f) == who]
        home = sorted(fix.at for fix in fixes if self.place(plan, fix) == "home")
        served = self.taken(plan, who, heard, now)
        stays = [part for run in runs(home) for part in left_of((run[0], run[-1]), served)]
        doors = [
            d.at for d in heard if isinstance(d, DoorMoved) and d.open and self.at_home(d, plan)
        ]
        marks = [
            mark
            for mark in heard
            if isinstance(mark, VisitMarked)
            and self.holder(mark) == who
            and mark.action in ("check_in", "check_out")
            and plan.id in self.marked(mark)
        ]
        backed = [
            mark.at
            for mark in marks
            if first <= mark.at <= last
            and (
                any(a - 10 * MINUTE <= mark.at <= b + 10 * MINUTE for a, b in stays)
                or any(abs(at - mark.at) <= 10 * MINUTE for at in doors)
            )
        ]
        counted = [
            (a, b)
            for a, b in stays
            if min(b, last) - max(a, first) >= 5 * MINUTE
            or any(a - 10 * MINUTE <= at <= b + 10 * MINUTE for at in backed)
        ]
        if not counted and not backed:
            return None, None
        began = min([*(a for a, _ in counted), *backed])
        away = sorted(fix.at for fix in fixes if self.place(plan, fix) == "elsewhere")
        elsewhere = [(run[0], run[-1]) for run in runs(away)] if who == plan.caregiver else []
        outs = [
            mark.at
            for mark in marks
            if mark.action == "check_out"
            and mark.at >= began
            and (
                not any(a <= mark.at <= b for a, b in elsewhere)
                or any(a <= mark.at <= b for a, b in counted)
            )
        ]
        if outs:
            return began, max(outs)
        until = max((b for _, b in counted), default=began)
        if who != plan.caregiver:
            return began, until if counted and now - until >= 10 * MINUTE else None
        left = [(a, b) for a, b in elsewhere if b > until]
        is_left = bool(left) and left[-1][1] - max(left[0][0], until) >= 2 * MINUTE
        return began, until if is_left else None

    def marked(self, mark: VisitMarked) -> set[str]:
        plans = [p for p in self.plans if p.client == mark.client and is_open(p, mark.at)]
        own = [p for p in plans if p.caregiver == self.holder(mark)] or plans
        soonest = min((apart(p, mark.at) for p in own), default=None)
        return {p.id for p in own if apart(p, mark.at) == soonest}

    def place(self, plan: PlannedVisit, fix: Position) -> str:
        """home, elsewhere or nothing: what a fix says of a visit."""
        name = (plan.id, fix.id)
        if name not in self.places:
            self.places[name] = self.placed(plan, fix)
        return self.places[name]

    def placed(self, plan: PlannedVisit, fix: Position) -> str:
        if (fix.accuracy or 0) > 200 or fix.mock or not is_open(plan, fix.at):
            return "nothing"
        who = self.holder(fix)
        own = [p for p in self.plans if p.caregiver == who and is_open(p, fix.at)]
        near = [p for p in own if self.is_inside(p, fix)]
        if not near:
            near = [p for p in self.plans if is_open(p, fix.at) and self.is_inside(p, fix)]
        if near:
            least = min(self.distance(p, fix) for p in near)
            best = [p for p in near if self.distance(p, fix) <= least + max(fix.accuracy or 0, 20)]
            soonest = min(apart(p, fix.at) for p in best)
            if plan.id in {p.id for p in best if apart(p, fix.at) == soonest}:
                return "home"
        if plan.caregiver != who:
            return "nothing"
        beyond = self.distance(plan, fix) - min(fix.accuracy or 100, 100)
        surely = beyond > self.client(plan).home.radius + 20  # type: ignore[union-attr]
        return "elsewhere" if surely or self.is_inside(plan, fix) else "nothing"

    def is_inside(self, plan: PlannedVisit, fix: Position) -> bool:
        home = self.client(plan).home
        return home is not None and self.distance(plan, fix) <= home.radius + min(
            fix.accuracy or 0, 50
        )

    def distance(self, plan: PlannedVisit, fix: Position) -> float:
        home = self.client(plan).home
        assert home is not None
        return metres(home.lat, home.lon, fix.lat, fix.lon)

    def client(self, plan: PlannedVisit) -> Client:
        found = self.directory.clients.get(plan.client)
        assert found is not None
        return found

    def holder(self, reading: Reading) -> str | None:
        device = self.directory.devices.get(reading.device)
        holder = (device and device.holder) or ""
        return holder.removeprefix("caregiver:") if holder.startswith("caregiver:") else None

    def at_home(self, door: DoorMoved, plan: PlannedVisit) -> bool:
        device = self.directory.devices.get(door.device)
        return device is not None and device.holder == f"client:{plan.client}"


def order(plan: PlannedVisit) -> tuple[datetime, datetime, str]:
    return plan.start, plan.end, plan.id


def left_of(
    stay: tuple[datetime, datetime], served: list[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    """What is left of a stay outside the times in which another visit was served."""
    parts = [stay]
    for begin, end in served:
        rest = []
        for a, b in parts:
            if b < begin or a >= end:
                rest.append((a, b))
                continue
            rest += [(a, begin)] if a < begin else []
            rest += [(end, b)] if b > end else []
        parts = rest
    return parts


def is_open(plan: PlannedVisit, at: datetime) -> bool:
    return plan.start - 60 * MINUTE <= at <= plan.end + 240 * MINUTE


def apart(plan: PlannedVisit, at: datetime) -> timedelta:
    return max(plan.start - at, at - plan.end, timedelta(0))


def runs(times: list[datetime]) -> list[list[datetime]]:
    """Sorted times in groups less than ten minutes apart."""
    found: list[list[datetime]] = []
    for at in times:
        if found and at - found[-1][-1] < 10 * MINUTE:
            found[-1].append(at)
        else:
            found.append([at])
    return found


def longest_unseen(seen: list[datetime], plan: PlannedVisit) -> timedelta:
    inside = [at for at in seen if plan.start <= at <= plan.end]
    before = [at for at in seen if at < plan.start and inside and inside[0] - at < 10 * MINUTE]
    after = [at for at in seen if at > plan.end and inside and at - inside[-1] < 10 * MINUTE]
    edges = [plan.start, *inside, plan.end]
    gaps = [b - a for a, b in itertools.pairwise(edges)]
    if before:
        gaps[0] = timedelta(0)
    if after:
        gaps[-1] = timedelta(0)
    return max(gaps)
