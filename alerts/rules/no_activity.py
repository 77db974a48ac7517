"""Nobody has opened a door at a client's home for a long time.

Raises when no door of the home was opened for `hours`, by the sensors' clocks, though a sensor
there is alive. Any opening of any door of the home counts, repeated reports too (a door that
stands open is `door_left_open`'s to tell), except a state without a time of its own that the
broker kept. A home counts from the first time one of its door sensors is heard.

Alive is a sensor that is not lost (`device_silent`) and has not fallen quiet. A sensor that
reported twice or more between events (a status, a closed door once again) in as many hours before
the last opening, and never since, has fallen quiet: it may be dead, and then nothing is known of
the person. One that only ever speaks when the door moves is taken to be alive until it is lost.
When a quiet sensor is heard again and still no door was opened, the alert is raised then.

Time in which the client is `away` does not count, and the hours begin anew at the return. Clears
when a door is opened (`activity`), when an opening of before the alert comes late
(`late_evidence`), when the client turns out to be away (`away`), when new settings allow it
(`settings`) and when the client leaves the register (`client_removed`). Evidence that is overdue
when it comes waits two minutes for what stands behind it in the sensor's buffer.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from alerts.rule import Begun, Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.rules.shared.absence import is_away, overdue_at
from alerts.rules.shared.affected import clients_of
from alerts.rules.shared.lateness import came_late, judged_at
from alerts.rules.shared.silence import DeviceLost
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity, Stored, Tick, TownChanged
from devices.readings import DeviceStatus, DoorMoved, Reading

NEWS = timedelta(hours=1)  # so much later a sensor's status is worth keeping again
HABIT = 2  # reports that make a habit of reporting
STATES, STATUSES = 8, 4  # remembered a sensor, the latest


class ActivitySettings(Parameters, frozen=True):
    hours: float = 24


class Sensor(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one door sensor said of late."""

    states: tuple[tuple[datetime, bool], ...] = ()  # when, open or closed; by time
    statuses: tuple[datetime, ...] = ()  # by time
    lost: bool = False


class ActivityState(RuleState, frozen=True):
    since: datetime  # when the home was first heard
    opened: datetime | None = None  # the last opening
    sensors: dict[str, Sensor] = {}
    raised: datetime | None = None  # when it was said; None = nothing stands
    counted: datetime | None = None  # the last opening known then


class ActivityRule(Rule[ActivityState, ActivitySettings]):
    name = "no_activity"
    severity = Severity.HIGH
    wants = (DoorMoved, DeviceStatus, DeviceLost)
    vital = (DeviceStatus,)
    settings = ActivitySettings
    state = ActivityState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        if not isinstance(said, DoorMoved | DeviceStatus | DeviceLost):
            return ()
        speaker = town.speaker(said.device)
        if not speaker.subject.startswith("client:"):
            return ()
        is_door = isinstance(said, DoorMoved) or speaker.kind == "door"
        return (speaker.subject,) if is_door else ()

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        return clients_of(change, town) if isinstance(change, TownChanged) else ()

    def step(self, key: str, state: ActivityState | None, felt: Felt, town: Town) -> Verdict | None:
        if isinstance(felt, Stored):
            after = heard(state, felt.reading)
            return None if after is state or after is None else self._judge(key, after, town)
        if state is None:
            return None
        if isinstance(felt, DeviceLost):
            return self._judge(key, lost(state, felt), town)
        if key.removeprefix("client:") not in town.directory.clients:
            return Verdict(None, self._cleared(key, state, "client_removed", town))
        return self._judge(key, state, town, ripe=isinstance(felt, Tick))

    def _judge(self, key: str, state: ActivityState, town: Town, *, ripe: bool = False) -> Verdict:
        limit = timedelta(hours=town.settings(self, key).hours)
        last = state.opened or state.since
        due = overdue_at(last, limit, key, town)
        if due > town.now:
            cleared = self._cleared(key, state, why_over(key, state, town), town)
            return Verdict(replace(state, raised=None), cleared, wake_at=due)
        alive = any(is_alive(sensor, last, limit) for sensor in state.sensors.values())
        if state.raised is not None or not alive:
            return Verdict(state)
        if not ripe:
            return Verdict(state, wake_at=judged_at(due, town.now))
        raised = replace(state, raised=town.now, counted=state.opened)
        return Verdict(raised, (self._raised(key, state, limit, town),))

    def _raised(self, key: str, state: ActivityState, limit: timedelta, town: Town) -> Finding:
        last = state.opened or state.since
        hours = (town.now - last) / timedelta(hours=1)
        quiet = [
            device
            for device, sensor in sorted(state.sensors.items())
            if not is_alive(sensor, last, limit)
        ]
        return self.finding(
            "raised",
            key,
            "no_opening",
            f"no door of {key} was opened for {hours:.0f} h",
            town=town,
            evidence=(
                Evidence(what="last_opening" if state.opened else "no_opening", at=last),
                *(Evidence(what="sensor_quiet", device=device) for device in quiet),
            ),
        )

    def _cleared(
        self, key: str, state: ActivityState, reason: str, town: Town
    ) -> tuple[Finding, ...]:
        """The end of the alert, where one stands."""
        if state.raised is None:
            return ()
        at = state.opened
        proof = (Evidence(what="last_opening", at=at),) if at else ()
        detail = f"{key}: {OVER[reason]}"
        return (self.finding("cleared", key, reason, detail, town=town, evidence=proof),)


OVER = {
    "activity": "a door was opened",
    "late_evidence": "a door had been opened, as evidence shows that came late",
    "away": "known to be away",
    "settings": "the settings allow it",
    "client_removed": "no longer registered",
}


def heard(state: ActivityState | None, said: Reading) -> ActivityState | None:
    """The state with one more word of a door sensor; the same if it says nothing new."""
    if not isinstance(said, DoorMoved | DeviceStatus) or is_kept(said):
        return state
    if isinstance(said, DeviceStatus) and said.online is False:
        return state
    state = state or ActivityState(since=said.at)
    sensor = state.sensors.get(said.device, Sensor())
    last = state.opened or state.since
    if isinstance(said, DeviceStatus):
        if any(last < one <= said.at < one + NEWS for one in sensor.statuses):
            return state
        latest = sorted({*sensor.statuses, said.at})[-STATUSES:]
        return with_sensor(state, said.device, replace(sensor, statuses=tuple(latest)))
    states = sorted({*sensor.states, (said.at, said.open)})[-STATES:]
    state = with_sensor(state, said.device, replace(sensor, states=tuple(states), lost=False))
    opened = max(state.opened or said.at, said.at) if said.open else state.opened
    return replace(state, opened=opened, since=min(state.since, said.at))


def with_sensor(state: ActivityState, device: str, sensor: Sensor) -> ActivityState:
    return replace(state, sensors={**state.sensors, device: sensor})


def is_kept(said: Reading) -> bool:
    """A state without a time of its own that the broker kept: nobody knows of when it is."""
    return said.replayed and said.observed_at is None


def lost(state: ActivityState, told: DeviceLost) -> ActivityState:
    """The state with a sensor lost, or back."""
    sensor = state.sensors.get(told.device)
    if sensor is None:
        return state
    return with_sensor(state, told.device, replace(sensor, lost=not told.back))


def reports(sensor: Sensor) -> tuple[datetime, ...]:
    """When it spoke though no door had moved."""
    still = (at for (_, was), (at, now) in pairwise(sensor.states) if not was and not now)
    return (*sensor.statuses, *still)


def is_alive(sensor: Sensor, last: datetime, limit: timedelta) -> bool:
    """Would this sensor have told of an opening since the last?"""
    said = reports(sensor)
    if sensor.lost or any(at > last for at in said):
        return not sensor.lost
    return sum(at >= last - limit for at in said) < HABIT


def why_over(key: str, state: ActivityState, town: Town) -> str:
    """Why an alert that stands does so no longer."""
    if state.opened is not None and state.opened != state.counted:
        return "late_evidence" if came_late(state.opened, state.raised) else "activity"
    return "away" if is_away(key, town) else "settings"


NO_ACTIVITY = ActivityRule()
