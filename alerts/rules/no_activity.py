"""Nobody has opened a door at a client's home for a long time.

Raises when no door of the home was opened for `hours`, by the sensors' clocks, though a sensor
there is alive. Any opening of any door of the home counts, repeated reports too (a door left
open is the matter of `door_left_open`), except a state without a time of its own that the
broker kept. A home counts from the first time one of its door sensors is heard.

Alive is a sensor that is not lost (`device_silent`) and, if it sends heartbeats, was heard within
twice its own usual beat; one that only ever speaks when the door moves is taken to be alive. Time
in which every sensor of the home was lost does not count: the hours go on when one is back. An
alert that is open when the home's sensors turn out lost is revised (`sensor_lost`), and stays.

Time in which the client is `away` does not count, and the hours begin anew at the return. Clears
when a door is opened (`activity`), when an opening of before the alert comes late
(`late_evidence`), when the client turns out to be away (`away`), when new settings allow it
(`settings`) and when the client leaves the register (`client_removed`). Evidence that is overdue
when it comes waits two minutes for what stands behind it in the sensor's buffer.
"""

from collections.abc import Iterable
from datetime import timedelta

from msgspec.structs import replace

from alerts.rule import (
    NO_TIMER,
    UNCHANGED,
    Begun,
    Change,
    Forget,
    Keep,
    Rule,
    Verdict,
)
from alerts.rules.shared.absence import is_away, overdue_at
from alerts.rules.shared.activity import ActivityState, Sign, heard, lost, unwatched
from alerts.rules.shared.affected import clients_of
from alerts.rules.shared.lateness import came_late, judged_at
from alerts.rules.shared.silence import DeviceLost
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity
from devices.readings import DeviceStatus, DoorMoved, Measured


class ActivitySettings(Parameters, frozen=True):
    """How long a home may be without an opening."""

    hours: float = 24  # as in Shanghai, where a day without an opening is a call


class ActivityRule(Rule[ActivityState, ActivitySettings, Sign, DeviceLost]):
    name = "no_activity"
    severity = Severity.HIGH
    version = 2  # a sensor's own beat says whether it is alive
    readings = (DoorMoved, DeviceStatus, Measured)
    vital = (DeviceStatus, Measured)
    events = (DeviceLost,)
    settings = ActivitySettings
    state = ActivityState

    def route_reading(self, reading: Sign, town: Town) -> Iterable[str]:
        return home_of(reading.device, town, is_door=isinstance(reading, DoorMoved))

    def route_event(self, event: DeviceLost, town: Town) -> Iterable[str]:
        return home_of(event.device, town)

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        return () if isinstance(change, Begun) else clients_of(change, town)

    def on_reading(
        self, key: str, state: ActivityState | None, reading: Sign, town: Town
    ) -> Verdict[ActivityState]:
        after = heard(state, reading, town.vitals.last_gap(reading.device))
        return UNCHANGED if after is state or after is None else self._judge(key, after, town)

    def on_event(
        self, key: str, state: ActivityState | None, event: DeviceLost, town: Town
    ) -> Verdict[ActivityState]:
        return UNCHANGED if state is None else self._judge(key, lost(state, event, town.now), town)

    def on_timer(self, key: str, state: ActivityState, town: Town) -> Verdict[ActivityState]:
        return self._judge(key, state, town, is_due=True)

    def on_change(
        self, key: str, state: ActivityState | None, change: Change, town: Town
    ) -> Verdict[ActivityState]:
        if state is None:
            return UNCHANGED
        if key.removeprefix("client:") in town.directory.clients:
            return self._judge(key, state, town)
        return Forget(self._cleared(key, state, "client_removed", town))

    def _judge(
        self, key: str, state: ActivityState, town: Town, *, is_due: bool = False
    ) -> Keep[ActivityState]:
        """Return the verdict on a home as it now is; only a timer (`is_due`) raises."""
        limit = timedelta(hours=town.settings(self, key).hours)
        last = state.opened or state.since
        due = overdue_at(last, limit + unwatched(state, last), key, town)
        if due > town.now:
            cleared = self._cleared(key, state, why_over(key, state, town), town)
            return Keep(replace(state, raised=None, doubted=False), due, cleared)
        quiet = [device for device in sorted(state.sensors) if not is_alive(device, state, town)]
        is_blind = len(quiet) == len(state.sensors)
        if state.raised is not None and is_blind and not state.doubted:
            doubt = self._doubted(key, quiet, town)
            return Keep(replace(state, doubted=True), NO_TIMER, (doubt,))
        if state.raised is not None or is_blind:
            return Keep(state, NO_TIMER)
        if not is_due:
            return Keep(state, judged_at(due, town.now))
        raised = replace(state, raised=town.now, counted=state.opened)
        return Keep(raised, NO_TIMER, (self._raised(key, state, quiet, town),))

    def _raised(self, key: str, state: ActivityState, quiet: list[str], town: Town) -> Finding:
        """Return the finding that no door was opened, with the sensors that are quiet."""
        last = state.opened or state.since
        hours = (town.now - last) / timedelta(hours=1)
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

    def _doubted(self, key: str, quiet: list[str], town: Town) -> Finding:
        """Return the finding that nobody can tell any more: the home's sensors are lost."""
        return self.finding(
            "revised",
            key,
            "sensor_lost",
            f"{key}: the home's door sensors are lost, so an opening may have gone unseen",
            town=town,
            evidence=tuple(
                Evidence(what="sensor_quiet", at=town.vitals.heard(device), device=device)
                for device in quiet
            ),
        )

    def _cleared(
        self, key: str, state: ActivityState, reason: str, town: Town
    ) -> tuple[Finding, ...]:
        """Return the end of the alert, where one is open."""
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


def home_of(device: str, town: Town, *, is_door: bool = False) -> tuple[str, ...]:
    """Return the client at whose home a door sensor is; () for any other device.

    `is_door`: it has moved like one, whatever the register calls it.
    """
    speaker = town.speaker(device)
    is_at_home = speaker.subject.startswith("client:") and (is_door or speaker.kind == "door")
    return (speaker.subject,) if is_at_home else ()


def is_alive(device: str, state: ActivityState, town: Town) -> bool:
    """Return True if a sensor would have reported an opening by now."""
    return state.sensors[device].lost_since is None and town.vitals.is_alive(device, town.now)


def why_over(key: str, state: ActivityState, town: Town) -> str:
    """Return why an open alert ends."""
    if state.opened is not None and state.opened != state.counted:
        return "late_evidence" if came_late(state.opened, state.raised) else "activity"
    return "away" if is_away(key, town) else "settings"


NO_ACTIVITY = ActivityRule()
