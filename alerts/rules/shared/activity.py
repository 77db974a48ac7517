"""What is known of the doors of one home, and of the sensors that would report them. Pure.

Time in which every sensor of the home was lost shows nothing of the person: it does not count.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from alerts.rule import RuleState
from alerts.rules.shared.silence import DeviceLost
from devices.readings import DeviceStatus, DoorMoved, Measured

GAPS = 4  # silences remembered a sensor, the latest; our choice

Span = tuple[datetime, datetime]
Sign = DoorMoved | DeviceStatus | Measured


class Sensor(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One door sensor that was heard."""

    lost_since: datetime | None = None  # None: it is not known to be lost
    gaps: tuple[Span, ...] = ()  # when it was lost


class ActivityState(RuleState, frozen=True):
    """What is remembered of one home."""

    since: datetime  # when the home was first heard
    opened: datetime | None = None  # the last opening
    sensors: dict[str, Sensor] = {}
    raised: datetime | None = None  # when; None = no alert is open
    counted: datetime | None = None  # the last opening known then
    doubted: bool = False  # the alert has been revised: its sensors turned out lost


def heard(state: ActivityState | None, reading: Sign, gap: Span | None) -> ActivityState | None:
    """Return the state with one more report of a door sensor; the same if nothing is new.

    `gap`: the sensor's last silence that was longer than its habit.
    """
    is_offline = isinstance(reading, DeviceStatus) and reading.online is False
    if is_offline or is_retained(reading):
        return state
    state = state or ActivityState(since=reading.at)
    known = state.sensors.get(reading.device)
    sensor = with_gap(known or Sensor(), gap)
    if sensor is not known:
        state = with_sensor(state, reading.device, sensor)
    if not isinstance(reading, DoorMoved):
        return state
    opened = max(state.opened or reading.at, reading.at) if reading.open else state.opened
    since = min(state.since, reading.at)
    if (opened, since) == (state.opened, state.since):
        return state
    return replace(state, opened=opened, since=since)


def with_sensor(state: ActivityState, device: str, sensor: Sensor) -> ActivityState:
    """Return the state with a sensor in the place of the one before."""
    return replace(state, sensors={**state.sensors, device: sensor})


def with_gap(sensor: Sensor, gap: Span | None) -> Sensor:
    """Return the sensor with one more silence; the same if it is known."""
    if gap is None or gap in sensor.gaps:
        return sensor
    return replace(sensor, gaps=(*sensor.gaps, gap)[-GAPS:])


def is_retained(reading: Sign) -> bool:
    """Return True for a state without a time that the broker kept: its age is unknown."""
    return reading.replayed and reading.observed_at is None


def lost(state: ActivityState, event: DeviceLost, now: datetime) -> ActivityState:
    """Return the state with a sensor lost, or back."""
    sensor = state.sensors.get(event.device)
    if sensor is None:
        return state
    if not event.back:
        return with_sensor(state, event.device, replace(sensor, lost_since=event.since))
    gap = (sensor.lost_since, now) if sensor.lost_since is not None else None
    after = with_gap(replace(sensor, lost_since=None), gap)
    return with_sensor(state, event.device, after)


def unwatched(state: ActivityState, last: datetime) -> timedelta:
    """Return for how long after `last`, and before the open alert, every sensor was lost."""
    until = state.raised or datetime.max.replace(tzinfo=last.tzinfo)
    common: list[Span] | None = None
    for sensor in state.sensors.values():
        spans = joined(sensor.gaps)
        common = spans if common is None else shared(common, spans)
    parts = (min(end, until) - max(begin, last) for begin, end in common or () if end <= until)
    return sum((max(part, timedelta(0)) for part in parts), timedelta(0))


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans by time, those that overlap as one."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def shared(one: list[Span], other: list[Span]) -> list[Span]:
    """Return what lies in spans of both."""
    both = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return [(begin, end) for begin, end in both if begin < end]
