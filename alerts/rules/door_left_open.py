"""A door stands open.

Raises when a door has been open for `minutes`, counted from the first opening after its last
closing by the sensor's clock; repeated reports of an open door are one opening. Clears when it is
closed (`closed`), when a closing of before the alert comes late (`late_evidence`), and when the
door leaves the register (`device_removed`). A late opening whose time is over already waits two
minutes for the closing behind it. One alert a door; its subject is whoever holds the door.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from alerts.rule import Begun, Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.rules.shared.affected import devices_of
from alerts.rules.shared.lateness import came_late, judged_at
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.types import Evidence, Finding, Severity, Stored, Tick, TownChanged
from devices.readings import DoorMoved, Reading

KEPT = 8  # openings remembered since the last closing; a late closing may fall between them


class DoorSettings(Parameters, frozen=True):
    minutes: float = 60


class DoorState(RuleState, frozen=True):
    opened: tuple[datetime, ...] = ()  # openings after `closed`, oldest first
    closed: datetime | None = None  # the last closing
    raised: datetime | None = None  # when it was said; None = nothing stands
    subject: str = ""  # of whom it was said


class DoorRule(Rule[DoorState, DoorSettings]):
    name = "door_left_open"
    severity = Severity.MEDIUM
    wants = (DoorMoved,)
    settings = DoorSettings
    state = DoorState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        return (said.device,) if isinstance(said, DoorMoved) else ()

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        return devices_of(change, town, "door")

    def step(self, key: str, state: DoorState | None, felt: Felt, town: Town) -> Verdict | None:
        if isinstance(felt, Stored) and isinstance(felt.reading, DoorMoved):
            before = state or DoorState()
            after = moved(before, felt.reading)
            return None if after is before else self._judge(key, after, town)
        if state is None:
            return None
        if town.directory.devices.get(key) is None and isinstance(felt, TownChanged):
            return Verdict(None, self._cleared(key, state, "device_removed", town))
        return self._judge(key, state, town, ripe=isinstance(felt, Tick))

    def _judge(self, key: str, state: DoorState, town: Town, *, ripe: bool = False) -> Verdict:
        if not state.opened:
            late = came_late(state.closed or town.now, state.raised)
            reason = "late_evidence" if late else "closed"
            return Verdict(standing_down(state), self._cleared(key, state, reason, town))
        subject = state.subject if state.raised else town.subject_of(key)
        due = state.opened[0] + timedelta(minutes=town.settings(self, subject).minutes)
        if due > town.now:
            cleared = self._cleared(key, state, "late_evidence", town)
            return Verdict(standing_down(state), cleared, wake_at=due)
        if state.raised:
            return Verdict(state)
        if not ripe:
            return Verdict(state, wake_at=judged_at(due, town.now))
        return self._raised(key, subject, state, town)

    def _raised(self, key: str, subject: str, state: DoorState, town: Town) -> Verdict:
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
        return Verdict(raised, (found,))

    def _cleared(self, key: str, state: DoorState, reason: str, town: Town) -> tuple[Finding, ...]:
        """The end of the alert, where one stands."""
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
    """The state with one more report, whatever the order they come in; the same if none is new."""
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


def standing_down(state: DoorState) -> DoorState:
    """The state with no alert."""
    return msgspec.structs.replace(state, raised=None, subject="")


DOOR_LEFT_OPEN = DoorRule()
