"""What is known of one device's silence, and what follows from it at a moment. Pure.

A device is *lost* when nothing was heard of it for its kind's minutes, or when it is said to be
offline. A phone is only expected while its caregiver is on duty: silence counts from the beginning
of the duty at the earliest, and the end of the duty ends it. What speaks through a gateway is cut
off, and so lost, while its gateway is.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from alerts.rule import NO_TIMER, RuleEvent, RuleState, TimerChoice
from alerts.visits.duty import Duty
from devices.readings import DeviceStatus, Reading


class DeviceWatched(RuleEvent, frozen=True):
    """A device that has a place in town is watched from now on, or (False) no longer."""

    device: str
    place: str  # see alerts.rules.shared.places
    watched: bool


class DeviceLost(RuleEvent, frozen=True):
    """A device that was heard before is lost, or (`back`) not lost any more."""

    device: str
    place: str | None
    since: datetime  # when it was last heard, or was cut off
    back: bool = False


class GatewayLost(RuleEvent, frozen=True):
    """A device through which others speak is lost, or (`back`) not lost any more."""

    gateway: str
    since: datetime  # when it was last heard, or was cut off
    back: bool = False


class OutageCovers(RuleEvent, frozen=True):
    """An outage takes these devices over, or (False) lets them speak for themselves again."""

    devices: tuple[str, ...]
    covered: bool


class SilenceTerms(msgspec.Struct, frozen=True):
    """How a device is to be watched."""

    limit: timedelta | None  # of silence; None: lost only when it is said to be offline
    hold: timedelta  # between lost and raised
    phone: bool = False  # expected on duty only
    counted: bool = True  # among the devices of its place: part of outages
    place: str | None = None


class Silence(RuleState, frozen=True):
    """What is known of one device, and what it means."""

    heard: datetime  # by our clock
    limit: timedelta | None = None  # None: not watched, or a phone with no duty in sight
    duty: Duty | None = None  # of a phone: the one that runs, or the next
    place: str | None = None  # where it is counted
    lost: bool = False
    cut_off: bool = False  # lost for no other reason than that its gateway is
    lost_at: datetime | None = None  # when it was said to be offline or cut off; else when heard
    let_go: datetime | None = None  # when the outage that covered it was over
    covered: bool = False  # an outage lists it
    raised: bool = False


def silent_at(silence: Silence) -> datetime | None:
    """Return when nothing will have been heard for the limit; None: it is not waited for."""
    if silence.limit is None:
        return None
    since = silence.heard if silence.duty is None else max(silence.heard, silence.duty.begin)
    return since + silence.limit


def settled(
    silence: Silence, terms: SilenceTerms | None, duty: Duty | None, now: datetime
) -> Silence:
    """Return the same facts with what they mean at this moment."""
    if terms is None:
        return Silence(silence.heard)
    if silence.cut_off and terms.place != silence.place:
        silence = reconnected(silence)  # it speaks through another gateway now
    idle = terms.phone and duty is None
    limit = None if idle else terms.limit
    silence = replace(silence, limit=limit, duty=duty, place=terms.place)
    due = silent_at(silence)
    if idle or (duty is not None and now < duty.begin):
        return replace(silence, lost=False, cut_off=False, lost_at=None, raised=False)
    if due is None:
        return replace(silence, raised=False)
    lost = silence.lost or now >= due
    is_held = not silence.raised and now < max(due, silence.let_go or due) + terms.hold
    return replace(silence, lost=lost, raised=lost and not is_held and not silence.covered)


def next_look(silence: Silence, terms: SilenceTerms | None) -> datetime | TimerChoice:
    """Return when time alone changes what is so."""
    if terms is None:
        return NO_TIMER
    look = silent_at(silence)
    if look is not None and silence.lost:
        waits = not silence.raised and not silence.covered
        look = max(look, silence.let_go or look) + terms.hold if waits else None
    looks = (look, silence.duty.end if silence.duty is not None else None)
    return min((moment for moment in looks if moment is not None), default=NO_TIMER)


def came_back(state: Silence, reading: Reading) -> datetime | None:
    """Return when a device was heard that only says that it is there, and has said that it is not.

    The broker keeps such messages: after a break of ours the kept one is the only one to come.
    """
    if state.limit is not None or state.cut_off or not isinstance(reading, DeviceStatus):
        return None
    return reading.at if reading.online else None


def cut_off(silence: Silence, since: datetime) -> Silence:
    """Return the state of a device whose gateway is lost, `since` that was heard last."""
    return silence if silence.lost else replace(silence, lost=True, cut_off=True, lost_at=since)


def reconnected(silence: Silence) -> Silence:
    """Return the state of a device whose gateway is back; it need not have been heard yet."""
    back = replace(silence, lost=False, cut_off=False, lost_at=None)
    return back if silence.cut_off else silence


def since_of(silence: Silence) -> datetime:
    """Return when a lost device was there last."""
    return silence.lost_at or silence.heard


def events_of(device: str, before: Silence, after: Silence) -> tuple[RuleEvent, ...]:
    """Return what those who count the devices of a place have to hear."""
    events: list[RuleEvent] = []
    moved = before.place != after.place
    if before.lost and (moved or not after.lost):
        events.append(DeviceLost(device, before.place, since_of(before), back=True))
    if moved and before.place is not None:
        events.append(DeviceWatched(device, before.place, False))
    if moved and after.place is not None:
        events.append(DeviceWatched(device, after.place, True))
    if after.lost and (moved or not before.lost):
        events.append(DeviceLost(device, after.place, since_of(after)))
    return tuple(events)
