"""What is known of the doors of one home, and of the sensors that would report them. Pure."""

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from alerts.rule import RuleState
from alerts.rules.shared.silence import DeviceLost
from devices.readings import DeviceStatus, DoorMoved

# All our choice.
NEWS = timedelta(hours=1)  # so much later a sensor's status is worth keeping again
HABIT = 2  # reports that make a habit of reporting
STATES, STATUSES = 8, 4  # remembered a sensor, the latest


class Sensor(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one door sensor has reported of late."""

    states: tuple[tuple[datetime, bool], ...] = ()  # when, open or closed; by time
    statuses: tuple[datetime, ...] = ()  # by time
    lost: bool = False


class ActivityState(RuleState, frozen=True):
    """What is remembered of one home."""

    since: datetime  # when the home was first heard
    opened: datetime | None = None  # the last opening
    sensors: dict[str, Sensor] = {}
    raised: datetime | None = None  # when; None = no alert is open
    counted: datetime | None = None  # the last opening known then


def heard(state: ActivityState | None, reading: DoorMoved | DeviceStatus) -> ActivityState | None:
    """Return the state with one more report of a door sensor; the same if nothing is new."""
    is_offline = isinstance(reading, DeviceStatus) and reading.online is False
    if is_offline or is_retained(reading):
        return state
    state = state or ActivityState(since=reading.at)
    sensor = state.sensors.get(reading.device, Sensor())
    last = state.opened or state.since
    if isinstance(reading, DeviceStatus):
        if any(last < one <= reading.at < one + NEWS for one in sensor.statuses):
            return state
        latest = sorted({*sensor.statuses, reading.at})[-STATUSES:]
        return with_sensor(state, reading.device, replace(sensor, statuses=tuple(latest)))
    states = sorted({*sensor.states, (reading.at, reading.open)})[-STATES:]
    state = with_sensor(state, reading.device, replace(sensor, states=tuple(states), lost=False))
    opened = max(state.opened or reading.at, reading.at) if reading.open else state.opened
    return replace(state, opened=opened, since=min(state.since, reading.at))


def with_sensor(state: ActivityState, device: str, sensor: Sensor) -> ActivityState:
    """Return the state with a sensor in the place of the one before."""
    return replace(state, sensors={**state.sensors, device: sensor})


def is_retained(reading: DoorMoved | DeviceStatus) -> bool:
    """Return True for a state without a time that the broker kept: its age is unknown."""
    return reading.replayed and reading.observed_at is None


def lost(state: ActivityState, event: DeviceLost) -> ActivityState:
    """Return the state with a sensor lost, or back."""
    sensor = state.sensors.get(event.device)
    if sensor is None:
        return state
    return with_sensor(state, event.device, replace(sensor, lost=not event.back))


def reports(sensor: Sensor) -> tuple[datetime, ...]:
    """Return when a sensor reported though no door had moved."""
    still = (at for (_, was), (at, now) in pairwise(sensor.states) if not was and not now)
    return (*sensor.statuses, *still)


def is_alive(sensor: Sensor, last: datetime, limit: timedelta) -> bool:
    """Return True if this sensor would have reported an opening since the last."""
    reported = reports(sensor)
    if sensor.lost or any(at > last for at in reported):
        return not sensor.lost
    return sum(at >= last - limit for at in reported) < HABIT
