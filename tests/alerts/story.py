"""Timelines that read like a story, told on the pure engine.

    story = Story(client("c-1"), caregiver("g-1"), phone("g-1"), visit("v-1", "09:00", "11:00"))
    story.at("08:40").position("g-1", HOME.north(900))
    story.at("12:00").expect("visit_missed", "client:c-1", "raised", reason="caregiver_elsewhere")

`at` is local time of the story's day (2026-11-02, Asia/Shanghai), or "+1 09:00" for the next day;
it lets timers older than it fire. What is said then is received then; `observed="08:00"` makes it
late. `expect` takes the finding out; `expect_nothing` says that none is left.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import cos, radians
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from alerts.engine.engine import Outputs, World
from alerts.rules import RULES
from alerts.types import (
    Finding,
    PlannedVisit,
    PlanSet,
    RuleScope,
    Stimulus,
    Stored,
    TownChanged,
    VisitRecord,
    Zone,
)
from devices.directory import (
    SECTIONS,
    Agency,
    Area,
    Caregiver,
    Circle,
    Client,
    Device,
    Directory,
    Facility,
    RegisterChange,
    Resident,
)
from devices.quantities import UNITS
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

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 11, 2, tzinfo=SHANGHAI)  # a Monday
METRES_A_DEGREE = 111_195.0  # of latitude, on a sphere of 6,371 km


class Spot(NamedTuple):
    """A place that can be walked away from."""

    lat: float
    lon: float

    def north(self, metres: float) -> "Spot":
        return Spot(self.lat + metres / METRES_A_DEGREE, self.lon)

    def east(self, metres: float) -> "Spot":
        return Spot(self.lat, self.lon + metres / METRES_A_DEGREE / cos(radians(self.lat)))


HOME = Spot(35.24, 115.48)


def moment(text: str, day: datetime = DAY) -> datetime:
    """ "09:00", "09:00:30" or "+1 09:00" on the story's day, as UTC."""
    days, _, clock = text.rpartition(" ")
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    local = day.replace(hour=hours, minute=minutes, second=seconds[0] if seconds else 0)
    return (local + timedelta(days=int(days or 0))).astimezone(UTC)


# ---------------------------------------------------------------- the town


def area(key: str, parent: str | None = None) -> Area:
    return Area(id=key, name=key, parent=parent)


def agency(key: str) -> Agency:
    return Agency(id=key, name=key)


def client(key: str, home: Spot = HOME, radius: float = 150, **more: Any) -> Client:
    return Client(id=key, home=Circle(lat=home.lat, lon=home.lon, radius=radius), **more)


def caregiver(key: str, **more: Any) -> Caregiver:
    return Caregiver(id=key, **more)


def phone(holder: str, **more: Any) -> Device:
    """The phone of a caregiver "g-1", known as "phone-g-1"."""
    return Device(id=f"phone-{holder}", kind="phone", holder=f"caregiver:{holder}", **more)


def door(client_key: str, n: str = "", **more: Any) -> Device:
    return Device(id=f"door{n}-{client_key}", kind="door", holder=f"client:{client_key}", **more)


def button(client_key: str, **more: Any) -> Device:
    return Device(id=f"btn-{client_key}", kind="sos", holder=f"client:{client_key}", **more)


def visit(
    key: str,
    start: str = "09:00",
    end: str = "11:00",
    minutes: int = 60,
    *,
    client: str = "c-1",
    caregiver: str | None = "g-1",
    **more: Any,
) -> PlannedVisit:
    return PlannedVisit(
        id=key,
        client=client,
        caregiver=caregiver,
        start=moment(start),
        end=moment(end),
        minutes=minutes,
        **more,
    )


TownItem = (
    Area
    | Agency
    | Client
    | Caregiver
    | Facility
    | Resident
    | Device
    | PlannedVisit
    | Zone
    | RuleScope
)


def town_of(
    items: tuple[TownItem, ...], rules: dict[str, dict[str, object]] | None = None
) -> tuple[RegisterChange, PlanSet]:
    """The items sorted into what the register and the plans hold."""
    register = {
        section: tuple(item for item in items if type(item) is kind)
        for section, kind in SECTIONS.items()
    }
    plans = PlanSet(
        visits=tuple(item for item in items if isinstance(item, PlannedVisit)),
        zones=tuple(item for item in items if isinstance(item, Zone)),
        rules=rules,
        rules_for=tuple(item for item in items if isinstance(item, RuleScope)) or None,
    )
    return RegisterChange(**register), plans  # type: ignore[arg-type]


# ---------------------------------------------------------------- the story


class Story:
    """One town, one engine, one timeline."""

    def __init__(
        self,
        *items: TownItem,
        rules: dict[str, dict[str, object]] | None = None,
        only: tuple[str, ...] | None = None,
        begins: str | None = "00:00",
    ) -> None:
        register, self.plans = town_of(items, rules)
        self.directory = Directory("Asia/Shanghai").changed(register)
        self.rules = tuple(rule for rule in RULES if only is None or rule.name in only)
        self.told: list[Finding] = []
        self.records: dict[str, VisitRecord] = {}
        self.stimuli: list[Stimulus] = []  # everything heard, for telling it again
        self._n = 0
        self.now = moment(begins or "00:00")
        self.world = World.begin(
            self.directory,
            self.plans,
            rules=self.rules,
            clock=moment(begins) if begins is not None else None,
        )

    # -------- time

    def at(self, text: str) -> "Story":
        """It is now this time; what was due before it has happened, and what is due at it."""
        self.now = moment(text)
        self._keep(self.world.elapse(self.now))
        return self

    def every(self, minutes: float, start: str, end: str) -> Iterator["Story"]:
        """The story at each step of a stretch of time, both ends included."""
        now, last = moment(start), moment(end)
        while now <= last:
            self.now = now
            yield self
            now += timedelta(minutes=minutes)

    # -------- what devices say

    def says(self, reading: Reading) -> "Story":
        """Any reading, received at its own received_at."""
        return self.feels(Stored(len(self.stimuli) + 1, reading))

    def feels(self, stimulus: Stimulus) -> "Story":
        self.stimuli.append(stimulus)
        self._keep(self.world.advance(stimulus))
        return self

    def position(
        self,
        holder: str,
        spot: Spot,
        accuracy: float | None = 10,
        *,
        observed: str | None = None,
        **more: Any,
    ) -> "Story":
        """A caregiver's phone ("g-1"), or any device by its full id, says where it is."""
        device = holder if self.directory.devices.get(holder) else f"phone-{holder}"
        common = self._common(device, observed, more)
        return self.says(Position(lat=spot.lat, lon=spot.lon, accuracy=accuracy, **common))

    def stays(
        self, holder: str, spot: Spot, start: str, end: str, *, every: float = 2, **more: Any
    ) -> "Story":
        """Positions at one place all the time, received as they are made."""
        for story in self.every(every, start, end):
            story.position(holder, spot, **more)
        return self

    def stayed(
        self, holder: str, spot: Spot, start: str, end: str, *, every: float = 2, **more: Any
    ) -> "Story":
        """Positions at one place of an earlier time, all received now."""
        then, last = moment(start), moment(end)
        while then <= last:
            self.position(holder, spot, observed_at=then, replayed=True, **more)
            then += timedelta(minutes=every)
        return self

    def press(self, device: str, press: str = "short", **more: Any) -> "Story":
        observed = more.pop("observed", None)
        return self.says(SosPressed(press=press, **self._common(device, observed, more)))  # type: ignore[arg-type]

    def door(self, device: str, open: bool = True, **more: Any) -> "Story":
        observed = more.pop("observed", None)
        return self.says(DoorMoved(open=open, **self._common(device, observed, more)))

    def mark(self, caregiver: str, action: str, client: str | None = "c-1", **more: Any) -> "Story":
        """A caregiver's app marks a step: check_in, before, after, rating, check_out."""
        common = self._common(f"phone-{caregiver}", more.pop("observed", None), more)
        return self.says(VisitMarked(action=action, client=client, **common))  # type: ignore[arg-type]

    def face(self, device: str, person: str | None, **more: Any) -> "Story":
        observed = more.pop("observed", None)
        return self.says(FaceSeen(person=person, **self._common(device, observed, more)))

    def measures(self, device: str, quantity: str, value: float, **more: Any) -> "Story":
        common = self._common(device, more.pop("observed", None), more)
        said = Measured(quantity=quantity, value=value, unit=UNITS[quantity], **common)
        return self.says(said)

    def status(self, device: str, **more: Any) -> "Story":
        observed = more.pop("observed", None)
        return self.says(DeviceStatus(**self._common(device, observed, more)))

    def change(
        self,
        *items: TownItem,
        rules: dict[str, dict[str, object]] | None = None,
        gone: dict[str, tuple[str, ...]] | None = None,
    ) -> "Story":
        """The town file was loaded again with these items; `gone` as {"visits": ("v-1",)}."""
        register, plans = town_of(items, rules)
        gone = gone or {}
        changed = TownChanged(
            arrival=len(self.stimuli) + 1,
            at=self.now,
            register=replace(register, {k: v for k, v in gone.items() if k in SECTIONS}),
            plans=replace(plans, {k: v for k, v in gone.items() if k not in SECTIONS}),
        )
        self.directory = self.directory.changed(changed.register)
        return self.feels(changed)

    def restart(self) -> "Story":
        """The process dies and starts again from its saved states."""
        rows = {(row.rule, row.key): row for row in self._saved()}
        self.world = World.begin(
            self.directory,
            self.world.town.plans(),
            timezone=self.world.town.zone.key,
            rules=self.rules,
            states=[row for row in rows.values() if row.body],
            clock=self.world.clock,
        )
        self._keep(self.world.elapse(self.now))
        return self

    # -------- what is expected

    def expect(
        self, rule: str, subject: str, event: str = "raised", *, at: str | None = None, **more: Any
    ) -> Finding:
        """There is such a finding, told by now and not yet expected; it is taken out."""
        wanted = {"rule": rule, "subject": subject, "event": event, **more}
        for found in self.told:
            if all(getattr(found, name) == value for name, value in wanted.items()):
                assert at is None or found.at == moment(at), f"{found.at} is not {at}"
                self.told.remove(found)
                return found
        raise AssertionError(f"not found: {wanted}\nfound: " + "\n       ".join(self.lines()))

    def expect_nothing(self, rule: str | None = None) -> "Story":
        """No finding (of this rule) is left that was not expected."""
        left = [found for found in self.told if rule in (None, found.rule)]
        assert not left, "unexpected: " + "\n".join(self.lines())
        return self

    def lines(self) -> list[str]:
        """What was found and not yet expected, one line each."""
        return [
            f"{found.at.astimezone(SHANGHAI):%d %H:%M:%S} {found.rule} {found.subject} "
            f"{found.event} {found.reason}: {found.detail}"
            for found in self.told
        ]

    # -------- inside

    def _common(self, device: str, observed: str | None, more: dict[str, Any]) -> dict[str, Any]:
        self._n += 1
        observed_at = moment(observed) if observed is not None else self.now
        return {
            "device": device,
            "id": f"m-{self._n}",
            "observed_at": observed_at,
            "received_at": self.now,
            **more,
        }

    def _keep(self, outcome: Outputs) -> None:
        self.told.extend(outcome.findings)
        self.records.update({record.id: record for record in outcome.visits})

    def _saved(self) -> list[Any]:
        self._rows: dict[tuple[str, str], Any] = getattr(self, "_rows", {})
        self._rows.update({(row.rule, row.key): row for row in self.world.take_dirty()})
        return list(self._rows.values())


def replace(change: Any, removed: dict[str, tuple[str, ...]]) -> Any:
    """The change with ids taken out."""
    return type(change)(
        **{
            **{name: getattr(change, name) for name in change.__struct_fields__},
            "removed": removed,
        }
    )
