"""A device is no longer heard.

A device is *lost* when nothing was heard of it for its kind's `minutes`, or when it (or its
broker) says that it is offline; a phone only while its caregiver is on duty. What counts is when
we hear: a phone that sends yesterday's positions now is heard now. A device counts from the first
time it is heard: one never heard is not installed yet, it is not silent. A door or button that has
never sent a heartbeat (a status, a measurement, its state once more) is not silent for want of
events: it speaks when something happens. A kind without minutes
(`sensor`) is lost only when it is said to be offline, and raises nothing by itself. Devices in
maintenance are not watched. What speaks through a gateway is lost while its gateway is, however
seldom it speaks; it is back with its gateway, or when it is heard by another way.

Raises when a device has been silent for its `minutes` and then `hold_minutes` more; SOS buttons
at medium. Clears when it is heard again (`heard`), when the duty ends (`off_duty`), when it goes
into maintenance (`maintenance`) or out of the register (`device_removed`), when new settings allow
it (`settings`), and when an area outage takes it over (`area_outage`): what is lost in an outage
is listed there, and raises nothing here until that outage clears and `hold_minutes` have passed.
Tells the rules behind it which devices are watched, lost and back; SOS buttons and phones are
never told as lost: an SOS is no part of an outage, and a phone belongs to no area.
"""

from collections.abc import Iterable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from alerts.rule import Begun, Felt, Rule, RuleEvent, Verdict
from alerts.rules.shared.affected import devices_of
from alerts.rules.shared.places import place_of
from alerts.rules.shared.silence import (
    GatewayLost,
    OutageCovers,
    Silence,
    SilenceTerms,
    came_back,
    cut_off,
    next_look,
    reconnected,
    settled,
    told_of,
)
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, FindingEvent, Severity, Stored, TownChanged
from alerts.visits.calendar import VisitPlanned
from alerts.visits.duty import Duty, next_duty, with_visit
from devices.directory import Device
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

NO_TIME = timedelta(0)
BY_EVENTS = ("door", "sos")


class KindMinutes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Minutes of silence by kind of device; None: silence says nothing."""

    phone: float | None = 10  # on duty
    terminal: float | None = 5
    door: float | None = 1500  # 25 h: battery contacts check in once a day
    sos: float | None = 1500
    sensor: float | None = None


class SilentSettings(Parameters, frozen=True):
    minutes: KindMinutes = KindMinutes()
    hold_minutes: float = 5


class SilentRule(Rule[Silence, SilentSettings]):
    name = "device_silent"
    severity = Severity.LOW
    version = 2  # counts by place, not by area
    wants = (
        Position,
        DoorMoved,
        SosPressed,
        FaceSeen,
        VisitMarked,
        DeviceStatus,
        Measured,
        VisitPlanned,
        OutageCovers,
        GatewayLost,
    )
    vital = wants[:-3]  # readings are signs of life to it, whatever else they say
    settings = SilentSettings
    state = Silence

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        if isinstance(said, OutageCovers):
            return said.devices
        if isinstance(said, GatewayLost):
            return town.directory.behind(said.gateway)
        if isinstance(said, VisitPlanned):
            held = town.directory.held_by(f"caregiver:{said.visit.caregiver}")
            return tuple(device.id for device in held if device.kind == "phone")
        return () if isinstance(said, RuleEvent) else (said.device,)

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        yield from devices_of(change, town, "phone", "terminal", "door", "sos", "sensor")
        if isinstance(change, TownChanged) and (change.plans.visits or change.plans.removed):
            yield from (device.id for device in town.directory.devices if device.kind == "phone")

    def step(self, key: str, state: Silence | None, felt: Felt, town: Town) -> Verdict | None:
        if isinstance(felt, Stored):
            return self._said(key, state, felt.reading, town)
        if state is None:
            return None
        after = state = refreshed(key, state, town)
        if isinstance(felt, OutageCovers):
            let_go = state.let_go if felt.covered else town.now
            after = replace(state, covered=felt.covered, let_go=let_go)
        elif isinstance(felt, GatewayLost):
            after = reconnected(state) if felt.back else cut_off(state)
        elif isinstance(felt, VisitPlanned):
            day = felt.visit.start.astimezone(town.zone).date()
            after = replace(state, duty=with_visit(state.duty, felt.visit, day))
        elif isinstance(felt, TownChanged):
            after = replace(state, duty=None)
        return self._judge(key, state, after, town)

    def _said(self, key: str, state: Silence | None, said: Reading, town: Town) -> Verdict | None:
        if isinstance(said, DeviceStatus) and said.online is False:
            state = refreshed(key, state, town) if state is not None else None
            if state is None or said.at < state.heard or (state.lost and not state.cut_off):
                return None
            return self._judge(key, state, replace(state, lost=True, cut_off=False), town)
        if state is None:
            heard = town.vitals.heard(key)
            return self._judge(key, Silence(heard), Silence(heard), town) if heard else None
        if state.limit is None and by_events(said.device, town) and town.vitals.beats(key):
            return self._judge(key, state, refreshed(key, state, town), town)
        if not state.lost and (state.duty is None or town.now < state.duty.end):
            return None  # town.vitals has it; the timer finds it there
        heard = came_back(state, said) or town.vitals.heard(key)
        if heard is None or heard <= state.heard:
            return None
        return self._judge(key, state, Silence(heard, state.limit, state.duty, state.place), town)

    def _judge(self, key: str, before: Silence, after: Silence, town: Town) -> Verdict:
        """What the facts in `after` mean now, and what is new in it."""
        device = town.directory.devices.get(key)
        terms = self._watch(key, device, town)
        duty = duty_of(device, after, town) if terms is not None and terms.phone else None
        after = settled(after, terms, duty, town.now)
        findings: tuple[Finding, ...] = ()
        if after.raised and not before.raised:
            findings = (self._finding("raised", key, device, after, "silent", town),)
        if before.raised and not after.raised:
            reason = why_over(device, terms, before, after, town)
            findings = (self._finding("cleared", key, device, before, reason, town),)
        tells = told_of(key, before, after) if terms is None or terms.told else ()
        if before.lost != after.lost and town.directory.behind(key):
            tells = (*tells, GatewayLost(key, back=before.lost))
        look = next_look(after, terms.hold) if terms is not None else None
        return Verdict(after if device is not None else None, findings, look, tells)

    def _watch(self, key: str, device: Device | None, town: Town) -> SilenceTerms | None:
        if device is None or device.kind is None or device.maintenance:
            return None
        subject = f"device:{key}"
        settings = town.settings(self, subject)
        minutes: float | None = getattr(settings.minutes, device.kind)
        if device.kind in BY_EVENTS and not town.vitals.beats(key):
            minutes = None
        told = device.kind not in ("sos", "phone")
        return SilenceTerms(
            limit=None if minutes is None else timedelta(minutes=minutes),
            hold=timedelta(minutes=settings.hold_minutes),
            phone=device.kind == "phone",
            told=told,
            place=place_of(device, town.directory) if told else None,
        )

    def _finding(
        self,
        event: FindingEvent,
        key: str,
        device: Device | None,
        silence: Silence,
        reason: str,
        town: Town,
    ) -> Finding:
        kind = device.kind if device is not None else None
        local = silence.heard.astimezone(town.zone)
        said = f"the {kind or 'device'} {key} was last heard at {local:%Y-%m-%d %H:%M}"
        return self.finding(
            event,
            f"device:{key}",
            reason,
            said if event == "raised" else f"{said}: {OVER[reason]}",
            town=town,
            severity=Severity.MEDIUM if kind == "sos" else None,
            evidence=(Evidence(what="last_heard", at=silence.heard, device=key),),
        )


def by_events(key: str, town: Town) -> bool:
    """Does a device speak when something happens, and perhaps never else?"""
    device = town.directory.devices.get(key)
    return device is not None and device.kind in BY_EVENTS


def refreshed(key: str, silence: Silence, town: Town) -> Silence:
    """The state with when the device was last heard; most readings are noted there only."""
    heard = town.vitals.heard(key) or silence.heard
    return replace(silence, heard=heard) if heard > silence.heard and not silence.lost else silence


OVER = {
    "heard": "it is heard again",
    "off_duty": "its caregiver is off duty",
    "maintenance": "it is in maintenance",
    "device_removed": "it is no longer registered",
    "area_outage": "it is part of an outage",
    "settings": "the settings allow it",
}


def duty_of(device: Device | None, silence: Silence, town: Town) -> Duty | None:
    """The duty that runs or comes next for a caregiver's phone."""
    if silence.duty is not None and town.now < silence.duty.end:
        return silence.duty
    what, _, key = ((device and device.holder) or "").partition(":")
    return next_duty(key, town) if what == "caregiver" else None


def why_over(
    device: Device | None, terms: SilenceTerms | None, before: Silence, after: Silence, town: Town
) -> str:
    """The reason why an alert of silence ends."""
    if device is None:
        return "device_removed"
    if terms is None:
        return "maintenance"
    if after.covered:
        return "area_outage"
    if after.heard > before.heard:
        return "heard"
    if terms.phone and (after.duty is None or town.now < after.duty.begin):
        return "off_duty"
    return "settings"


DEVICE_SILENT = SilentRule()
