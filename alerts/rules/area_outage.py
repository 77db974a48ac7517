"""Many devices of one area are lost at once: one incident instead of a storm.

Raises when at least `devices` devices, and at least `share` of those ever heard in an area and
below it, were lost within `minutes`: one incident for the smallest area that qualifies. Where
only devices of one area are lost it is raised at once; where others are too, half a minute after
the first of them, so that the whole of it is seen. What is lost is told by `device_silent` (silent
for its kind's time, or said to be offline). Devices never heard do not count, nor do SOS buttons
and phones.

The devices lost are listed in the evidence (`device_lost`). They are *covered*: `device_silent`
raises nothing for them and clears what it had raised, so nobody is paged for them. Losses that
follow in the area join. When the list changes it is `revised`, first after half a minute, then
every five minutes at most. An outage that grows beyond its area is raised for the wider one and
cleared here (`wider_outage`). Clears (`back`) when fewer than half of `devices` are still lost;
those then speak for themselves.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from alerts.judging.outages import Loss, Measure, needed_of, outage_areas
from alerts.judging.silence import DeviceLost, DeviceWatched, OutageCovers
from alerts.rule import Felt, Rule, Settings, State, Told, Verdict
from alerts.types import Evidence, Finding, FindingEvent, Severity, Tick
from devices.readings import Reading

if TYPE_CHECKING:
    from alerts.judging.known import Known

# Alertmanager's defaults for a group: wait for the rest of it, then tell changes (group_wait,
# group_interval).
WAIT = timedelta(seconds=30)
UPDATE = timedelta(minutes=5)


class OutageSettings(Settings, frozen=True):
    devices: int = 10
    share: float = 0.2
    minutes: float = 10


class Incident(msgspec.Struct, frozen=True):
    """An outage that stands."""

    devices: int  # still lost
    told: datetime  # when it was last spoken of
    tell: datetime | None = None  # when to tell how it has changed since
    revised: bool = False  # it has been told once how it changed


class OutageState(State, frozen=True):
    heard: dict[str, int] = {}  # area -> devices of its own heard before
    lost: dict[str, dict[str, Loss]] = {}  # area -> devices of its own that are lost
    incidents: dict[str, Incident] = {}  # by area
    look: datetime | None = None  # when new losses are judged
    patient: bool = False  # not before: they lie in several areas


class OutageRule(Rule[OutageState, OutageSettings]):
    name = "area_outage"
    severity = Severity.HIGH
    wants = (DeviceWatched, DeviceLost)
    settings = OutageSettings
    state = OutageState

    def route(self, said: Reading | Told, known: "Known") -> Iterable[str]:
        if isinstance(said, DeviceLost | DeviceWatched) and said.area is not None:
            return ("",)  # one state for the town: an outage knows no borders
        return ()

    def step(
        self, key: str, state: OutageState | None, felt: Felt, known: "Known"
    ) -> Verdict | None:
        state = state or OutageState()
        if isinstance(felt, DeviceWatched):
            change = 1 if felt.watched else -1
            counts = {**state.heard, felt.area: state.heard.get(felt.area, 0) + change}
            return waiting(replace(state, heard=counts))
        if isinstance(felt, DeviceLost) and felt.area is not None:
            move = self._back if felt.back else self._lost
            return move(state, felt.device, felt.area, known)
        return self._judge(state, known) if isinstance(felt, Tick) else None

    def _lost(self, state: OutageState, device: str, area: str, known: "Known") -> Verdict:
        """One more device is lost: it joins the incident that stands, or is judged in a while."""
        path = known.directory.area_path(area)
        inside = next((above for above in path if above in state.incidents), None)
        losses = {**state.lost.get(area, {}), device: Loss(device, known.now, inside)}
        state = replace(state, lost={**state.lost, area: losses})
        if inside is None:
            state = replace(state, look=state.look or known.now + WAIT)
            enough = needed_of(state.heard.get(area, 0), self._measure(area, known))
            return waiting(state) if len(losses) < enough else self._at_once(area, state, known)
        covers = OutageCovers((device,), covered=True)
        return waiting(counted(state, inside, 1, known.now), tells=(covers,))

    def _at_once(self, area: str, state: OutageState, known: "Known") -> Verdict:
        """Enough is lost in this area. Is it all there is?"""
        recent = {} if state.patient else self._recent(state, known)
        found = outage_areas(
            recent, state.heard, known.directory, partial(self._measure, known=known)
        )
        if recent.keys() != {area} or area not in found:
            return waiting(replace(state, patient=True))
        findings: list[Finding] = []
        tells: list[Told] = []
        state = replace(state, look=None)
        state = self._open(area, found[area], state, findings, tells, known)
        return waiting(state, tuple(findings), tuple(tells))

    def _back(self, state: OutageState, device: str, area: str, known: "Known") -> Verdict | None:
        """A device is not lost any more; with it the incident may be over."""
        losses = dict(state.lost.get(area, {}))
        loss = losses.pop(device, None)
        if loss is None:
            return None
        state = replace(state, lost={**state.lost, area: losses})
        if loss.incident is None:
            return waiting(state)
        state = counted(state, loss.incident, -1, known.now)
        enough = known.settings(self, f"area:{loss.incident}").devices / 2
        if state.incidents[loss.incident].devices >= enough:
            return waiting(state)
        over = self._finding("cleared", loss.incident, "back", state, known)
        left = tuple(one.device for one in told_in(state, loss.incident))
        state = told_elsewhere(state, left, None)
        incidents = {own: kept for own, kept in state.incidents.items() if own != loss.incident}
        free = OutageCovers(left, covered=False)
        return waiting(replace(state, incidents=incidents), (over,), (free,))

    def _judge(self, state: OutageState, known: "Known") -> Verdict:
        """It is time to look for outages, or to tell how those that stand have changed."""
        findings: list[Finding] = []
        tells: list[Told] = []
        if state.look is not None and known.now >= state.look:
            state = replace(state, look=None, patient=False)
            recent, measure_of = self._recent(state, known), partial(self._measure, known=known)
            found = outage_areas(recent, state.heard, known.directory, measure_of)
            for area, losses in found.items():
                state = self._open(area, losses, state, findings, tells, known)
        incidents = dict(state.incidents)
        for area, incident in incidents.items():
            if incident.tell is not None and known.now >= incident.tell:
                incidents[area] = Incident(incident.devices, known.now, revised=True)
                findings.append(self._finding("revised", area, "lost", state, known))
        return waiting(replace(state, incidents=incidents), tuple(findings), tuple(tells))

    def _recent(self, state: OutageState, known: "Known") -> dict[str, list[Loss]]:
        """The losses of late by area, those of standing incidents included."""
        recent: dict[str, list[Loss]] = {}
        for area, losses in state.lost.items():
            path = known.directory.area_path(area)
            within = max(self._measure(above, known).within for above in path)
            late = [loss for loss in losses.values() if loss.at >= known.now - within - WAIT]
            if late:
                recent[area] = late
        return recent

    def _measure(self, area: str, known: "Known") -> Measure:
        found = known.settings(self, f"area:{area}")
        return Measure(found.devices, found.share, timedelta(minutes=found.minutes))

    def _open(
        self,
        area: str,
        losses: tuple[Loss, ...],
        state: OutageState,
        findings: list[Finding],
        tells: list[Told],
        known: "Known",
    ) -> OutageState:
        """The state with an incident of this area, in place of those inside it."""
        if set(known.directory.area_path(area)) & state.incidents.keys():
            return state
        inside = [own for own in state.incidents if area in known.directory.area_path(own)]
        findings += [self._finding("cleared", own, "wider_outage", state, known) for own in inside]
        taken_over = (loss.device for own in inside for loss in told_in(state, own))
        devices = tuple(dict.fromkeys((*taken_over, *(loss.device for loss in losses))))
        incidents = {own: kept for own, kept in state.incidents.items() if own not in inside}
        incidents[area] = Incident(len(devices), known.now)
        state = replace(told_elsewhere(state, devices, area), incidents=incidents)
        findings.append(self._finding("raised", area, "lost", state, known))
        tells.append(OutageCovers(devices, covered=True))
        return state

    def _finding(
        self, event: FindingEvent, area: str, reason: str, state: OutageState, known: "Known"
    ) -> Finding:
        directory, losses = known.directory, told_in(state, area)
        heard = sum(n for own, n in state.heard.items() if area in directory.area_path(own))
        return self.finding(
            event,
            f"area:{area}",
            reason,
            f"{len(losses)} of {heard} devices in {area} are lost",
            known=known,
            evidence=tuple(
                Evidence(what="device_lost", at=loss.at, device=loss.device) for loss in losses
            ),
        )


def counted(state: OutageState, area: str, change: int, now: datetime) -> OutageState:
    """The state with one device more (or -1: fewer) in an incident."""
    incident = state.incidents[area]
    again = incident.told + UPDATE if incident.revised else now
    tell = incident.tell or max(again, now + WAIT)
    changed = replace(incident, devices=incident.devices + change, tell=tell)
    return replace(state, incidents={**state.incidents, area: changed})


def told_in(state: OutageState, area: str) -> list[Loss]:
    """The devices that an incident tells of, in the order they were lost."""
    found = (loss for own in state.lost.values() for loss in own.values() if loss.incident == area)
    return sorted(found, key=lambda loss: (loss.at, loss.device))


def told_elsewhere(state: OutageState, devices: Iterable[str], incident: str | None) -> OutageState:
    """The state with these devices told of in another incident, or (None) in none."""
    moved = frozenset(devices)
    lost = {
        area: {
            device: replace(loss, incident=incident) if device in moved else loss
            for device, loss in own.items()
        }
        for area, own in state.lost.items()
    }
    return replace(state, lost=lost)


def waiting(
    state: OutageState, findings: tuple[Finding, ...] = (), tells: tuple[Told, ...] = ()
) -> Verdict:
    """The verdict with the next moment to look at the state again."""
    dates = [state.look, *(incident.tell for incident in state.incidents.values())]
    look = min((date for date in dates if date is not None), default=None)
    return Verdict(state, findings, look, tells)


AREA_OUTAGE = OutageRule()
