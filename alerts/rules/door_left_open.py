"""A door stands open.

Raises when a door has been open for `minutes`, counted from the first opening after its last
closing by the sensor's clock; repeated reports of an open door are one opening. Clears when it is
closed (`closed`), when a closing of before the alert comes late (`late_evidence`), and when the
door leaves the register (`device_removed`). A late opening whose time is over already waits two
minutes for the closing behind it. One alert a door; its subject is whoever holds the door.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Never

import msgspec

from alerts.rule import NO_TIMER, UNCHANGED, Change, Forget, Keep, Rule, RuleState, Verdict
from alerts.rules.shared.affected import devices_of
from alerts.rules.shared.lateness import came_late, judged_at
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity
from devices.readings import DoorMoved

# Openings remembered since the last closing; a late closing may fall between them. Our choice.
KEPT = 8


class DoorSettings(Parameters, frozen=True):
    """How long a door may stay open."""

    minutes: float = 60  # our choice


class DoorState(RuleState, frozen=True):
    """What is remembered of one door."""

    opened: tuple[datetime, ...] = ()  # openings after `closed`, oldest first
    closed: datetime | None = None  # the last closing
    raised: datetime | None = None  # when; None = no alert is open
    subject: str = ""  # of the alert


class DoorRule(Rule[DoorState, DoorSettings, DoorMoved, Never]):
    name = "door_left_open"
    severity = Severity.MEDIUM
    readings = (DoorMoved,)
    settings = DoorSettings
    state = DoorState

    def route_reading(self, reading: DoorMoved, town: Town) -> Iterable[str]:
        return (reading.device,)

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        return devices_of(change, town, "door")

    def on_reading(
        self, key: str, state: DoorState | None, reading: DoorMoved, town: Town
    ) -> Verdict[DoorState]:
        before = state or DoorState()
        after = moved(before, reading)
        return UNCHANGED if after is before else self._judge(key, after, town)

    def on_timer(self, key: str, state: DoorState, town: Town) -> Verdict[DoorState]:
        return self._judge(key, state, town, is_due=True)

    def on_change(
        self, key: str, state: DoorState | None, change: Change, town: Town
    ) -> Verdict[DoorState]:
        if state is None:
            return UNCHANGED
        if town.directory.devices.get(key) is None:
            return Forget(self._cleared(key, state, "device_removed", town))
        return self._judge(key, state, town)

    def _judge(
        self, key: str, state: DoorState, town: Town, *, is_due: bool = False
    ) -> Keep[DoorState]:
        """Return the verdict on a door as it now is; only a timer (`is_due`) raises."""
        if not state.opened:
            late = came_late(state.closed or town.now, state.raised)
            reason = "late_evidence" if late else "closed"
            return Keep(without_alert(state), NO_TIMER, self._cleared(key, state, reason, town))
        subject = state.subject if state.raised else town.subject_of(key)
        due = state.opened[0] + timedelta(minutes=town.settings(self, subject).minutes)
        if due > town.now:
            cleared = self._cleared(key, state, "late_evidence", town)
            return Keep(without_alert(state), due, cleared)
        if state.raised:
            return Keep(state, NO_TIMER)
        if not is_due:
            return Keep(state, judged_at(due, town.now))
        return self._raised(key, subject, state, town)

    def _raised(self, key: str, subject: str, state: DoorState, town: Town) -> Keep[DoorState]:
        """Return the verdict that the door has been open for too long."""
        since = state.opened[0]
        minutes = (town.now - since) / timedelta(minutes=1)
        found = self.finding(
            "raised",
            subject,
            "open",
            f"the door {key} of {subject} has been open for {minutes:.0f} min",
            town=town,
            key=key,
            evidence=(Evidence(what="door_open", at=since, device=key),),
        )
        raised = msgspec.structs.replace(state, raised=town.now, subject=subject)
        return Keep(raised, NO_TIMER, (found,))

    def _cleared(self, key: str, state: DoorState, reason: str, town: Town) -> tuple[Finding, ...]:
        """Return the end of the alert, where one is open."""
        if state.raised is None:
            return ()
        over = self.finding(
            "cleared",
            state.subject,
            reason,
            f"the door {key} of {state.subject} {ENDS[reason]}",
            town=town,
            key=key,
            evidence=()
            if state.closed is None
            else (Evidence(what="door_closed", at=state.closed, device=key),),
        )
        return (over,)


ENDS = {
    "closed": "is closed",
    "late_evidence": "was not open that long, as evidence shows that came late",
    "device_removed": "is no longer registered",
}


def moved(state: DoorState, door: DoorMoved) -> DoorState:
    """Return the state with one more report, in any order; the same state if it is not new."""
    if state.closed is not None and door.at < state.closed:
        return state
    if door.open:
        if door.at in state.opened:
            return state
        opened = sorted({*state.opened, door.at})
        kept = (opened[0], *opened[1:][-(KEPT - 1) :])
        return msgspec.structs.replace(state, opened=kept)
    opened = [at for at in state.opened if at > door.at]
    return msgspec.structs.replace(state, opened=tuple(opened), closed=door.at)


def without_alert(state: DoorState) -> DoorState:
    """Return the state with no alert open."""
    return msgspec.structs.replace(state, raised=None, subject="")


DOOR_LEFT_OPEN = DoorRule()
