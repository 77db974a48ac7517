"""Many devices of one area, or behind one gateway, are lost at once: one incident, no storm.

Raises when at least `devices` devices, and at least `share` of those ever heard in an area and
below it, were lost within `minutes` of one another: one incident for the smallest area that
qualifies. When a device was lost is when it was last heard, whatever moment that is found at: a
terminal is missed after minutes and a door after a day, and a power cut took both. Where
only devices of one area are lost it is raised at once; where others are too, half a minute after
the first of them, so that the whole of it is seen. `device_silent` says what is lost (silent for
its kind's time, said to be offline, or cut off). Devices never heard do not count, nor do SOS
buttons and phones.

Where the losses of an area are those of a single gateway (or of a broker session, which is the
device whose last will it leaves), it is an incident of the gateway ("gateway:hub-1") and none of
the area. A gateway that is lost itself is one when it and what it cuts off are `gateway_devices`
and it does not come back within two minutes, as a bridge does that starts anew (`gateway_lost`).
The SOS buttons that can't be heard then are named (`sos_cut_off`); they are no part of it.

The devices lost are listed in the evidence (`device_lost`). They are *covered*: `device_silent`
raises nothing for them and clears what it had raised, so nobody is paged for them. Losses that
follow there join. When the list changes it is `revised`, first after half a minute, then every
five minutes at most. An outage that grows beyond its area or gateway is raised for the wider one
and cleared here (`wider_outage`). Clears (`back`) when fewer than half of the devices that make an
outage are still lost; those then speak for themselves.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Never

from msgspec.structs import replace

from alerts.rule import NO_TIMER, UNCHANGED, Keep, Rule, RuleEvent, Verdict
from alerts.rules.shared.incidents import (
    WAIT,
    Incident,
    OutageState,
    counted,
    is_down,
    losses_of,
    moved_to,
)
from alerts.rules.shared.outages import Loss, Measure, needed_of, outages
from alerts.rules.shared.places import above, around, is_area, name_of
from alerts.rules.shared.silence import DeviceLost, DeviceWatched, OutageCovers
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, FindingEvent, Severity

RESTART = timedelta(minutes=2)  # Zigbee2MQTT on a small computer is back in about one
Heard = DeviceWatched | DeviceLost


class OutageSettings(Parameters, frozen=True):
    """When losses are an outage: all our choice, to be tried on a town's own history."""

    devices: int = 10
    share: float = 0.2
    minutes: float = 10
    gateway_devices: int = 3


class OutageRule(Rule[OutageState, OutageSettings, Never, Heard]):
    name = "area_outage"
    severity = Severity.HIGH
    version = 2  # gateways
    events = (DeviceWatched, DeviceLost)
    settings = OutageSettings
    state = OutageState

    def route_event(self, event: Heard, town: Town) -> Iterable[str]:
        return ("",) if event.place is not None else ()  # one state: an outage knows no borders

    def on_event(
        self, key: str, state: OutageState | None, event: Heard, town: Town
    ) -> Verdict[OutageState]:
        state = state or OutageState()
        if event.place is None:
            return UNCHANGED
        if isinstance(event, DeviceLost):
            move = self._back if event.back else self._lost
            return move(state, event, event.place, town)
        heard = state.heard.get(event.place, 0) + (1 if event.watched else -1)
        return waiting(replace(state, heard={**state.heard, event.place: heard}))

    def on_timer(self, key: str, state: OutageState, town: Town) -> Verdict[OutageState]:
        """Look for outages, or say how those that are open have changed."""
        findings: list[Finding] = []
        events: list[RuleEvent] = []
        if state.look is not None and town.now >= state.look:
            state = replace(state, look=None, patient=False)
            found = self._found(self._recent(state, town), state, town)
            for node, losses in found.items():
                state = self._open(node, losses, state, findings, events, town)
        incidents = dict(state.incidents)
        for node, incident in incidents.items():
            if incident.due is not None and town.now >= incident.due:
                incidents[node] = Incident(incident.devices, town.now, revised=True)
                findings.append(self._finding("revised", node, why(node, state), state, town))
        return waiting(replace(state, incidents=incidents), tuple(findings), tuple(events))

    def _lost(
        self, state: OutageState, event: DeviceLost, place: str, town: Town
    ) -> Keep[OutageState]:
        """Add one more lost device: it joins the open incident, or is judged in a while."""
        device = event.device
        nodes = around(place, town.directory)
        inside = next((node for node in nodes if node in state.incidents), None)
        losses = {**state.lost.get(place, {}), device: Loss(device, event.since, inside, town.now)}
        state = replace(state, lost={**state.lost, place: losses})
        if town.directory.behind(device):
            state = replace(state, gateways=state.gateways | {device})
        if inside is not None:
            covers = OutageCovers((device,), covered=True)
            return waiting(counted(state, inside, 1, town.now), events=(covers,))
        if is_down(nodes[0], state):
            return waiting(replace(state, look=state.look or town.now + RESTART))
        state = replace(state, look=min(state.look or town.now + WAIT, town.now + WAIT))
        enough = needed_of(state.heard.get(place, 0), self._measure(nodes[0], state, town))
        return waiting(state) if len(losses) < enough else self._at_once(place, state, town)

    def _at_once(self, place: str, state: OutageState, town: Town) -> Keep[OutageState]:
        """Open an incident where enough is lost in one place, unless there is more elsewhere."""
        recent = {} if state.patient else self._recent(state, town)
        found = self._found(recent, state, town)
        node = next((node for node in around(place, town.directory) if node in found), None)
        if recent.keys() != {place} or node is None:
            return waiting(replace(state, patient=True))
        findings: list[Finding] = []
        events: list[RuleEvent] = []
        state = replace(state, look=None)
        state = self._open(node, found[node], state, findings, events, town)
        return waiting(state, tuple(findings), tuple(events))

    def _back(
        self, state: OutageState, event: DeviceLost, place: str, town: Town
    ) -> Verdict[OutageState]:
        """Take off a device that is not lost any more; with it the incident may be over."""
        device = event.device
        losses = dict(state.lost.get(place, {}))
        loss = losses.pop(device, None)
        if loss is None:
            return UNCHANGED
        state = replace(
            state, lost={**state.lost, place: losses}, gateways=state.gateways - {device}
        )
        if loss.incident is None:
            return waiting(state)
        state = counted(state, loss.incident, -1, town.now)
        enough = self._measure(loss.incident, state, town).devices / 2
        if state.incidents[loss.incident].devices >= enough:
            return waiting(state)
        over = self._finding("cleared", loss.incident, "back", state, town)
        left = tuple(one.device for one in losses_of(state, loss.incident))
        state = moved_to(None, left, state)
        incidents = {own: kept for own, kept in state.incidents.items() if own != loss.incident}
        free = OutageCovers(left, covered=False)
        return waiting(replace(state, incidents=incidents), (over,), (free,))

    def _found(
        self, recent: dict[str, list[Loss]], state: OutageState, town: Town
    ) -> dict[str, tuple[Loss, ...]]:
        """Return the nodes with an outage, and what was lost there."""
        measure_of = partial(self._measure, state=state, town=town)
        return outages(recent, state.heard, town.directory, measure_of)

    def _recent(self, state: OutageState, town: Town) -> dict[str, list[Loss]]:
        """Return by place what was lost when those were that have just been found to be.

        Losses of open incidents are included, and however long ago the others were found.
        """
        all_lost = [loss for losses in state.lost.values() for loss in losses.values()]
        news = [loss.at for loss in all_lost if town.now - (loss.found_at or loss.at) <= RESTART]
        if not news:
            return {}
        first, last = min(news), max(news)
        recent: dict[str, list[Loss]] = {}
        for place, losses in state.lost.items():
            nodes = around(place, town.directory)
            within = max(RESTART, *(self._measure(node, state, town).within for node in nodes))
            then = [one for one in losses.values() if first - within <= one.at <= last + within]
            if then:
                recent[place] = then
        return recent

    def _measure(self, node: str, state: OutageState, town: Town) -> Measure:
        """Return how much must be lost in a node to be an outage."""
        found = town.settings(self, node)
        within = timedelta(minutes=found.minutes)
        if is_down(node, state):
            return Measure(found.gateway_devices, 0, within)
        return Measure(found.devices, found.share, within)

    def _open(
        self,
        node: str,
        losses: tuple[Loss, ...],
        state: OutageState,
        findings: list[Finding],
        events: list[RuleEvent],
        town: Town,
    ) -> OutageState:
        """Return the state with an incident of this node, in place of those inside it."""
        if {node, *above(node, town.directory)} & state.incidents.keys():
            return state
        inside = [own for own in state.incidents if node in above(own, town.directory)]
        findings += [self._finding("cleared", own, "wider_outage", state, town) for own in inside]
        taken_over = (loss.device for own in inside for loss in losses_of(state, own))
        new = (loss.device for loss in losses if loss.incident is None)
        devices = tuple(dict.fromkeys((*taken_over, *new)))
        incidents = {own: kept for own, kept in state.incidents.items() if own not in inside}
        incidents[node] = Incident(len(devices), town.now)
        state = replace(moved_to(node, devices, state), incidents=incidents)
        findings.append(self._finding("raised", node, why(node, state), state, town))
        events.append(OutageCovers(devices, covered=True))
        return state

    def _finding(
        self, event: FindingEvent, node: str, reason: str, state: OutageState, town: Town
    ) -> Finding:
        """Return a finding on a node, with all that is lost in it."""
        directory, losses = town.directory, losses_of(state, node)
        heard = sum(n for place, n in state.heard.items() if node in around(place, directory))
        where = f"in {name_of(node)}" if is_area(node) else f"at gateway {name_of(node)}"
        lost = [Evidence(what="device_lost", at=loss.at, device=loss.device) for loss in losses]
        return self.finding(
            event,
            node,
            reason,
            f"{len(losses)} of {heard} devices {where} are lost",
            town=town,
            evidence=(*lost, *unheard_buttons(node, state, town)),
        )


def why(node: str, state: OutageState) -> str:
    """Return the reason of a finding."""
    return "gateway_lost" if is_down(node, state) else "lost"


def unheard_buttons(node: str, state: OutageState, town: Town) -> Iterable[Evidence]:
    """Yield the SOS buttons that a lost gateway cuts off."""
    if not is_down(node, state):
        return
    for key in town.directory.behind(name_of(node)):
        device = town.directory.devices.get(key)
        if device is not None and device.kind == "sos":
            yield Evidence(what="sos_cut_off", device=key)


def waiting(
    state: OutageState, findings: tuple[Finding, ...] = (), events: tuple[RuleEvent, ...] = ()
) -> Keep[OutageState]:
    """Return the verdict that keeps this state until the next moment to look at it again."""
    dates = [state.look, *(incident.due for incident in state.incidents.values())]
    look = min((date for date in dates if date is not None), default=NO_TIMER)
    return Keep(state, look, findings, events)


AREA_OUTAGE = OutageRule()
