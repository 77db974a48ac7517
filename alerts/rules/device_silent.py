"""A device is no longer heard.

A device is *lost* when nothing was heard of it for its kind's `minutes`, or when it (or its
broker) says that it is offline; a phone only while its caregiver is on duty. What counts is when
we hear: a phone that sends yesterday's positions now is heard now. A device counts from the first
time it is heard: one never heard is not installed yet, it is not silent. A door or button that has
never sent a heartbeat (a status, a measurement, its state once more) is not silent for want of
events: it speaks when something happens. A kind without minutes (`sensor`) is lost only when it is
said to be offline, and raises nothing by itself. Devices in maintenance are not watched. What
speaks through a gateway is lost while its gateway is, however seldom it speaks; it is back with its
gateway, or when it is heard through another.

Raises when a device has been silent for its `minutes` and then `hold_minutes` more; SOS buttons
at medium. Clears when it is heard again (`heard`), when the duty ends (`off_duty`), when it goes
into maintenance (`maintenance`) or out of the register (`device_removed`), when new settings allow
it (`settings`), and when an area outage takes it over (`area_outage`): what is lost in an outage
is listed there, and raises nothing here until that outage clears and `hold_minutes` have passed.
Tells the rules behind it which devices are watched, lost and back, but for SOS buttons and phones:
an SOS is no part of an outage, and a phone belongs to no area.
"""

from collections.abc import Iterable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from alerts.rule import UNCHANGED, Change, Forget, Keep, Rule, Verdict
from alerts.rules.shared.affected import devices_of
from alerts.rules.shared.places import place_of
from alerts.rules.shared.silence import (
    GatewayLost,
    OutageCovers,
    Silence,
    SilenceTerms,
    came_back,
    cut_off,
    events_of,
    next_look,
    reconnected,
    settled,
    since_of,
)
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, FindingEvent, Severity, TownChanged
from alerts.visits.calendar import CALENDAR, VisitPlanned
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
from devices.subject import Subject

Heard = VisitPlanned | OutageCovers | GatewayLost
BY_EVENTS = ("door", "sos")  # the kinds that speak when something happens, and perhaps never else


class KindMinutes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Minutes of silence by kind of device; None: silence says nothing."""

    phone: float | None = 10  # on duty; ThingsBoard's and Traccar's 600 s
    terminal: float | None = 5  # it beats once a minute
    door: float | None = 1500  # 25 h as in Zigbee2MQTT: battery contacts check in once a day
    sos: float | None = 1500
    sensor: float | None = None


class SilentSettings(Parameters, frozen=True):
    """When a silence is an alert."""

    minutes: KindMinutes = KindMinutes()
    hold_minutes: float = 5  # short breaks raise nothing; pagers pause 2 to 15 minutes for them


class SilentRule(Rule[Silence, SilentSettings, Reading, Heard]):
    name = "device_silent"
    severity = Severity.LOW
    version = 2  # counts by place, not by area
    needs = (CALENDAR,)
    readings = (Position, DoorMoved, SosPressed, FaceSeen, VisitMarked, DeviceStatus, Measured)
    vital = readings  # signs of life to it, whatever else they say
    events = (VisitPlanned, OutageCovers, GatewayLost)
    settings = SilentSettings
    state = Silence

    def route_reading(self, reading: Reading, town: Town) -> Iterable[str]:
        return (reading.device,)

    def route_event(self, event: Heard, town: Town) -> Iterable[str]:
        if isinstance(event, OutageCovers):
            return event.devices
        if isinstance(event, GatewayLost):
            return town.directory.behind(event.gateway)
        caregiver = event.visit.caregiver
        held = town.directory.held_by(Subject("caregiver", caregiver)) if caregiver else ()
        return tuple(device.id for device in held if device.kind == "phone")

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        yield from devices_of(change, town, "phone", "terminal", "door", "sos", "sensor")
        if isinstance(change, TownChanged) and (change.plans.visits or change.plans.removed):
            yield from (device.id for device in town.directory.devices if device.kind == "phone")

    def on_reading(
        self, key: str, state: Silence | None, reading: Reading, town: Town
    ) -> Verdict[Silence]:
        if isinstance(reading, DeviceStatus) and reading.online is False:
            return self._said_offline(key, state, reading, town)
        heard = town.vitals.heard(key)
        if state is None:
            return self._judge(key, Silence(heard), Silence(heard), town) if heard else UNCHANGED
        if state.limit is None and speaks_by_events(key, town) and town.vitals.beats(key):
            return self._judge(key, state, refreshed(key, state, town), town)
        if not state.lost and (state.duty is None or town.now < state.duty.end):
            return UNCHANGED  # town.vitals has it; the timer finds it there
        heard = came_back(state, reading) or heard
        if heard is None or heard <= state.heard:
            return UNCHANGED
        return self._judge(key, state, Silence(heard, state.limit, state.duty, state.place), town)

    def on_timer(self, key: str, state: Silence, town: Town) -> Verdict[Silence]:
        state = refreshed(key, state, town)
        return self._judge(key, state, state, town)

    def on_event(
        self, key: str, state: Silence | None, event: Heard, town: Town
    ) -> Verdict[Silence]:
        if state is None:
            return UNCHANGED
        state = refreshed(key, state, town)
        if isinstance(event, OutageCovers):
            let_go = state.let_go if event.covered else town.now
            after = replace(state, covered=event.covered, let_go=let_go)
        elif isinstance(event, GatewayLost):
            after = reconnected(state) if event.back else cut_off(state, event.since)
        else:
            day = event.visit.start.astimezone(town.zone).date()
            after = replace(state, duty=with_visit(state.duty, event.visit, day))
        return self._judge(key, state, after, town)

    def on_change(
        self, key: str, state: Silence | None, change: Change, town: Town
    ) -> Verdict[Silence]:
        if state is None:
            return UNCHANGED
        state = refreshed(key, state, town)
        return self._judge(key, state, replace(state, duty=None), town)

    def _said_offline(
        self, key: str, state: Silence | None, status: DeviceStatus, town: Town
    ) -> Verdict[Silence]:
        """Return what follows when a device, or its broker, says that it is offline."""
        state = refreshed(key, state, town) if state is not None else None
        if state is None or status.at < state.heard or (state.lost and not state.cut_off):
            return UNCHANGED
        offline = replace(state, lost=True, cut_off=False, lost_at=max(state.heard, status.at))
        return self._judge(key, state, offline, town)

    def _judge(
        self, key: str, before: Silence, after: Silence, town: Town
    ) -> Keep[Silence] | Forget:
        """Return what the facts in `after` mean now, and what is new in it."""
        device = town.directory.devices.get(key)
        terms = self._terms(key, device, town)
        duty = duty_of(device, after, town) if terms is not None and terms.phone else None
        after = settled(after, terms, duty, town.now)
        findings: tuple[Finding, ...] = ()
        if after.raised and not before.raised:
            findings = (self._finding("raised", key, device, after, "silent", town),)
        if before.raised and not after.raised:
            reason = why_over(device, terms, before, after, town)
            findings = (self._finding("cleared", key, device, before, reason, town),)
        events = events_of(key, before, after) if terms is None or terms.counted else ()
        if before.lost != after.lost and town.directory.behind(key):
            lost = before if before.lost else after
            events = (*events, GatewayLost(key, since_of(lost), back=before.lost))
        if device is None:
            return Forget(findings, events)
        return Keep(after, next_look(after, terms), findings, events)

    def _terms(self, key: str, device: Device | None, town: Town) -> SilenceTerms | None:
        """Return how a device is to be watched; None: it is not."""
        if device is None or device.kind is None or device.maintenance:
            return None
        settings = town.settings(self, str(Subject("device", key)))
        minutes: float | None = getattr(settings.minutes, device.kind)
        if device.kind in BY_EVENTS and not town.vitals.beats(key):
            minutes = None
        counted = device.kind not in ("sos", "phone")
        return SilenceTerms(
            limit=None if minutes is None else timedelta(minutes=minutes),
            hold=timedelta(minutes=settings.hold_minutes),
            phone=device.kind == "phone",
            counted=counted,
            place=place_of(device, town.directory) if counted else None,
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
        """Return a finding on a device that was last heard some time ago."""
        kind = device.kind if device is not None else None
        local = silence.heard.astimezone(town.zone)
        what = f"the {kind or 'device'} {key} was last heard at {local:%Y-%m-%d %H:%M}"
        return self.finding(
            event,
            str(Subject("device", key)),
            reason,
            what if event == "raised" else f"{what}: {OVER[reason]}",
            town=town,
            severity=Severity.MEDIUM if kind == "sos" else None,
            evidence=(Evidence(what="last_heard", at=silence.heard, device=key),),
        )


def speaks_by_events(key: str, town: Town) -> bool:
    """Return True if a device speaks when something happens, and perhaps never else."""
    device = town.directory.devices.get(key)
    return device is not None and device.kind in BY_EVENTS


def refreshed(key: str, silence: Silence, town: Town) -> Silence:
    """Return the state with the last sign of life; most readings are noted in town.vitals only."""
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
    """Return the duty that runs or comes next for a caregiver's phone."""
    if silence.duty is not None and town.now < silence.duty.end:
        return silence.duty
    if device is None or device.subject.kind != "caregiver":
        return None
    return next_duty(device.subject.id, town)


def why_over(
    device: Device | None, terms: SilenceTerms | None, before: Silence, after: Silence, town: Town
) -> str:
    """Return why an alert of silence ends."""
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
