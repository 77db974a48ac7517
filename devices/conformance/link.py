"""Checks of how the device keeps its connection, and what it does when that is disturbed. Pure."""

from datetime import timedelta

import msgspec

from devices.codecs.body import json_object
from devices.conformance.run import ConformanceRun, Found, Road, Trouble, Will
from devices.conformance.said import PASS, fail, person, repeats
from devices.contract.messages import StatusMessage
from devices.readings import DeviceStatus, Rejection
from devices.topics import contract_topic

AT_ONCE = timedelta(seconds=1)  # an acknowledgement as quick as this crosses no repeat
OWN_ENDS = 2  # connections that the device may end by itself in a run: one is chance
LONGEST_KEEP_ALIVE = 300  # seconds: the broker notices a loss after one and a half of it


def qos_1(run: ConformanceRun) -> Found | None:
    """All were published at QoS 1."""
    if "mqtt" not in run.roads:
        return None
    for message in run.heard:
        if message.road == "mqtt" and message.qos != 1:
            return fail("qos_1.other", message, qos=message.qos)
    return PASS


def not_retained(run: ConformanceRun) -> Found | None:
    """No event is retained: whoever subscribes later would take it for a new one."""
    if "mqtt" not in run.roads:
        return None
    for message in run.heard:
        if message.retain:
            return fail("not_retained.kept", message)
    return PASS


def no_wildcards(run: ConformanceRun) -> Found | None:
    """It subscribes to no filter that takes what is meant for others."""
    if not run.connections:
        return None
    for each in run.connections:
        for wanted in each.filters:
            if "+" in wanted or "#" in wanted:
                return fail("no_wildcards.wide", filter=wanted)
    return PASS


def signs_in(run: ConformanceRun) -> Found | None:
    """It shows its own name and secret."""
    if run.turned_away:
        return fail("signs_in.turned_away", count=run.turned_away)
    if not run.own_broker:
        return None
    for each in run.connections:
        if each.user != run.device or not each.has_password:
            return fail("signs_in.other", user=each.user or "-", device=run.device)
        if each.fits is False:
            return fail("signs_in.wrong", device=run.device)
    return PASS


def last_will(run: ConformanceRun) -> Found | None:
    """Its last will says `status` with `online` false."""
    if "mqtt" not in run.roads:
        return None
    if run.connections:
        faults = (_will_fault(run, each.will, each.keep_alive) for each in run.connections)
        return next((fault for fault in faults if fault is not None), PASS)
    if run.own_broker:
        return fail("heard.unconnected")
    said = (each for _, each in run.readings if isinstance(each, DeviceStatus))
    if any(each.online is False for each in said):
        return PASS
    return person("last_will.person")


def _will_fault(run: ConformanceRun, will: Will | None, keep_alive: int) -> Found | None:
    if will is None:
        return fail("last_will.none")
    part = contract_topic(will.topic)
    if part is None or part.kind != "status" or part.device != run.device:
        return fail("last_will.topic", topic=will.topic)
    body = json_object(will.payload)
    try:
        said = None if isinstance(body, Rejection) else msgspec.convert(body, StatusMessage)
    except msgspec.ValidationError as error:
        return fail("last_will.unreadable", detail=error)
    if said is None or said.online is not False:
        return fail("last_will.online")
    if will.qos != 1:
        return fail("last_will.qos", qos=will.qos)
    if not 0 < keep_alive <= LONGEST_KEEP_ALIVE:
        return fail("last_will.keep_alive", seconds=keep_alive, most=LONGEST_KEEP_ALIVE)
    return None


def steady(run: ConformanceRun) -> Found | None:
    """It keeps its connection unless we end it."""
    if not run.connections:
        return None
    own = [
        each
        for each in run.connections
        if each.ended_by == "device"
        and each.ended_at is not None
        and not run.troubled(each.ended_at, each.ended_at)
    ]
    return PASS if len(own) < OWN_ENDS else fail("steady.ends", count=len(own))


def reconnects(run: ConformanceRun) -> Found | None:
    """It comes back after its connection was cut."""
    return _came_back(run, "cut", "mqtt")


def survives_restart(run: ConformanceRun) -> Found | None:
    """It comes back after the broker was away for a while."""
    return _came_back(run, "outage", "mqtt")


def slow_answer(run: ConformanceRun) -> Found | None:
    """It goes on after an acknowledgement that took its time."""
    return _came_back(run, "slow", "mqtt")


def _came_back(run: ConformanceRun, trouble: Trouble, road: Road) -> Found | None:
    if not run.own_broker or road not in run.roads:
        return None
    tried = [each for each in run.provoked if each.trouble == trouble and each.road == road]
    if not tried:
        return person("provoked.never")
    heard = [message.received_at for message in run.heard if message.road == road]
    came = all(each.ended and any(at >= each.ended for at in heard) for each in tried)
    return PASS if came else fail(f"{trouble}.gone", begun=f"{tried[0].begun:%H:%M:%S}")


def resends(run: ConformanceRun) -> Found | None:
    """What was not acknowledged is sent again as it was."""
    return _sent_again(run, "withheld", "mqtt")


def resends_refused(run: ConformanceRun) -> Found | None:
    """What was answered 503 is posted again as it was."""
    return _sent_again(run, "refused", "http")


def resends_unanswered(run: ConformanceRun) -> Found | None:
    """What got no answer is posted again as it was."""
    return _sent_again(run, "unanswered", "http")


def _sent_again(run: ConformanceRun, answer: Trouble, road: Road) -> Found | None:
    if not run.own_broker or road not in run.roads:
        return None
    lost = [message for message in run.heard if message.answer == answer and message.road == road]
    if not lost:
        return person("provoked.never")
    taken = {(m.topic, m.payload) for m in run.heard if m.answer == "acknowledged"}
    for message in lost:
        if (message.topic, message.payload) not in taken:
            return fail(f"{answer}.lost", message)
    return PASS


def acknowledged_once(run: ConformanceRun) -> Found | None:
    """What was acknowledged is not sent again."""
    if not run.own_broker:
        return None
    for copies in repeats(run):
        first = next((each for each in copies[:-1] if each.answer == "acknowledged"), None)
        if first is None or first.answered_at is None:
            continue
        crossed = first.answered_at - first.received_at > AT_ONCE
        if not crossed and not run.troubled(first.received_at, first.received_at):
            return fail("acknowledged_once.again", copies[-1], count=len(copies))
    return PASS
