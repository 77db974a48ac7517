"""The visit book: one record a visit, built from all evidence, revised as evidence comes.

The record says who came, from when to when, how sure that is (verified, probable, contradicted,
none) and, when nobody did, why: `caregiver_elsewhere` (the phone was followed elsewhere),
`caregiver_silent` (tracking was lost for longer than the visit takes: lost is not absent),
`caregiver_unplaced` (the phone spoke meanwhile, and no fix of the time says from where),
`no_caregiver_data` (no caregiver, no phone or no home to compare with) or `substitute_came`.
The rules visit_missed, visit_late, visit_short and visit_unended judge this record and gather
nothing themselves. It is told to them (`VisitSeen`) when it changes. Evidence is welcome until
`correction_hours` after the window; then the book closes the page (`VisitForgotten`).
"""

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec

from alerts.rule import STANDS, Begun, Felt, Rule, RuleEvent, RuleState, Verdict
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.town.visits_at import VAGUE, nearest
from alerts.types import Severity, Stored, TownChanged, VisitRecord
from alerts.visits.attendance import (
    Mark,
    Opening,
    Seen,
    with_door,
    with_mark,
    with_position,
    with_word,
)
from alerts.visits.calendar import Planned, VisitPlanned, planned_on
from alerts.visits.record import cancelled, concluded, deadlines, next_turn
from alerts.visits.stretches import lengthened
from devices.readings import DeviceStatus, DoorMoved, Position, Reading, VisitMarked

STALE = timedelta(minutes=1)  # so old is a fix that was made before


class VisitSeen(RuleEvent, frozen=True):
    """A visit's record is new or has changed."""

    record: VisitRecord


class VisitForgotten(RuleEvent, frozen=True):
    """No evidence is taken for this visit any more."""

    visit: str


class VisitState(RuleState, frozen=True):
    record: VisitRecord
    seen: Seen = Seen()
    cancelled: bool = False


class VisitBook(Rule[VisitState, Parameters]):
    """Keeps the records. Its keys are visit ids; it finds nothing itself."""

    name = "visit"
    severity = Severity.LOW
    wants = (VisitPlanned, Position, VisitMarked, DoorMoved, DeviceStatus)
    settings = Parameters
    state = VisitState

    def route(self, said: Reading | RuleEvent, town: Town) -> Iterable[str]:
        if isinstance(said, Position):
            caregiver = town.caregiver_of(said.device)
            return placed_or_heard(said, caregiver, town) if caregiver else ()
        if isinstance(said, DeviceStatus):
            caregiver = town.caregiver_of(said.device)
            return heard(said, caregiver, town) if caregiver else ()
        if isinstance(said, DoorMoved):
            return opened(said, town) if said.open else ()
        if isinstance(said, VisitMarked):
            return marked(said, town)
        return (said.visit.id,) if isinstance(said, VisitPlanned) else ()

    def affected(self, change: TownChanged | Begun, town: Town) -> Iterable[str]:
        if isinstance(change, Begun):
            return ()
        plans = change.plans
        if plans.rules is not None or plans.rules_for is not None or change.timezone:
            return tuple(town.visit_index.visits)
        named = {*(plan.id for plan in plans.visits), *plans.removed.get("visits", ())}
        people = touched(change)
        return tuple(
            key
            for key, visit in town.visit_index.visits.items()
            if visit.plan in named
            or f"client:{visit.client}" in people
            or f"caregiver:{visit.caregiver}" in people
        )

    def step(self, key: str, state: VisitState | None, felt: Felt, town: Town) -> Verdict | None:
        if state is None:
            return new_visit(felt.visit, town) if isinstance(felt, VisitPlanned) else None
        before = state
        if isinstance(felt, VisitPlanned):
            return None
        if isinstance(felt, Stored):
            state = gathered(key, state, felt.reading, town)
            if state is before:
                return None
            if stands(before, state):
                return Verdict(state, wake_at=STANDS)
        elif isinstance(felt, TownChanged):
            state = replanned(state, town)
        return self._concluded(state, before.record, town)

    def _concluded(self, state: VisitState, before: VisitRecord, town: Town) -> Verdict:
        when = deadlines(state.record, town)
        if town.now >= when.forgotten:
            return Verdict(None, tells=(VisitForgotten(state.record.id),))
        record = concluded(state.record, state.seen, when, town)
        if state.cancelled:
            record = cancelled(record)
        wake_at = next_turn(record, state.seen, when, town)
        if record == before:
            return Verdict(state, wake_at=wake_at)
        record = msgspec.structs.replace(record, revision=before.revision + 1, revised_at=town.now)
        state = msgspec.structs.replace(state, record=record)
        return Verdict(state, wake_at=wake_at, tells=(VisitSeen(record),))


# ---------------------------------------------------------------- which visits, what evidence


def placed_or_heard(fix: Position, caregiver: str, town: Town) -> Iterable[str]:
    """The visits a fix counts for, and those in whose time a phone spoke without a new one."""
    places = town.visit_index.places(fix, caregiver)
    if not is_unplaced(fix):
        return places
    return dict.fromkeys((*places, *heard(fix, caregiver, town)))


def is_unplaced(fix: Position) -> bool:
    """Does a phone that speaks say nothing of where it is now? At rest it repeats its last fix."""
    return fix.received_at - fix.at > STALE or (fix.accuracy or 0) > VAGUE


def heard(said: Reading, caregiver: str, town: Town) -> tuple[str, ...]:
    """The caregiver's own visits in whose time we heard this."""
    if isinstance(said, DeviceStatus) and (said.online is False or said.replayed):
        return ()
    index = town.visit_index
    open_then = index.open_at(index.of_caregiver(caregiver), said.received_at)
    return tuple(visit.id for visit in open_then)


def opened(door: DoorMoved, town: Town) -> tuple[str, ...]:
    """The visits that an opening door at a client's home may speak of."""
    what, _, client = town.subject_of(door.device).partition(":")
    if what != "client":
        return ()
    return tuple(
        visit.id for visit in town.visit_index.open_at(town.visit_index.of_client(client), door.at)
    )


def marked(mark: VisitMarked, town: Town) -> tuple[str, ...]:
    """The visit a mark belongs to: the caregiver's own first, then the nearest window."""
    caregiver, visit_index = town.caregiver_of(mark.device), town.visit_index
    if caregiver is None:
        return ()
    visits = (
        visit_index.of_client(mark.client) if mark.client else visit_index.of_caregiver(caregiver)
    )
    found = visit_index.open_at(visits, mark.at)
    own = [visit for visit in found if visit.caregiver == caregiver]
    return tuple(visit.id for visit in nearest([(0, visit) for visit in own or found], mark.at, 0))


def gathered(key: str, state: VisitState, reading: Reading, town: Town) -> VisitState:
    """The state with one more reading. The same object when it changes nothing."""
    seen = state.seen
    caregiver = town.caregiver_of(reading.device)
    if isinstance(reading, Position) and caregiver:
        place = town.visit_index.places(reading, caregiver).get(key)
        gap = deadlines(state.record, town).terms.gap
        fix = (reading.at, reading.device, reading.id)
        seen = with_position(seen, place, caregiver, fix, gap) if place else seen
        if is_unplaced(reading) and key in heard(reading, caregiver, town):
            seen = with_word(seen, reading.received_at, reading.device, reading.id, gap)
    elif isinstance(reading, DeviceStatus):
        gap = deadlines(state.record, town).terms.gap
        seen = with_word(seen, reading.received_at, reading.device, reading.id, gap)
    elif isinstance(reading, VisitMarked) and caregiver:
        mark = Mark(reading.at, reading.id, reading.device, caregiver, reading.action)
        seen = with_mark(seen, mark)
    elif isinstance(reading, DoorMoved):
        seen = with_door(seen, Opening(reading.at, reading.id, reading.device))
    return state if seen is state.seen else VisitState(state.record, seen, state.cancelled)


def stands(before: VisitState, after: VisitState) -> bool:
    """Is it plain, without working it out, that the record stays as it is?

    So it is for most fixes: the phone is still elsewhere and nothing has begun, still at the
    home of a visit that has, or still elsewhere after it.
    """
    record, was, now = before.record, before.seen, after.seen
    if was.elsewhere is not now.elsewhere:
        if not now.presences and not now.marks:
            return record.state in ("planned", "due")
        if record.ended is None or not lengthened(was.elsewhere, now.elsewhere):
            return False
        return was.elsewhere[-1].last > max([record.ended, *(mark.at for mark in now.marks)])
    if record.state != "begun" or record.came is None or record.came != record.caregiver:
        return False
    mine, longer = was.presence(record.came), now.presence(record.came)
    if longer.weak or not lengthened(mine.sure, longer.sure):
        return False
    return any(fact.at == mine.sure[-1].first for fact in record.evidence)


def touched(change: TownChanged) -> set[str]:
    """The people a change of the register speaks of, devices counted to their holders."""
    register = change.register
    return {
        *(f"client:{client.id}" for client in register.clients),
        *(f"caregiver:{caregiver.id}" for caregiver in register.caregivers),
        *(device.holder for device in register.devices if device.holder),
    }


def new_visit(planned: Planned, town: Town) -> Verdict:
    """A visit nobody has seen anything of yet. It is judged from its window's start on."""
    record = VisitRecord(**msgspec.structs.asdict(planned), revised_at=town.now)
    return Verdict(VisitState(record), wake_at=record.start, tells=(VisitSeen(record),))


def replanned(state: VisitState, town: Town) -> VisitState:
    """The state after the plan may have changed. A visit that is over is not cancelled."""
    record = state.record
    plan = town.visit_plans.get(record.plan)
    day = date.fromisoformat(record.id.rpartition("@")[2])
    planned = planned_on(plan, day, town.zone) if plan else None
    if planned is None:
        cancelled = state.cancelled or record.end > town.now
        return msgspec.structs.replace(state, cancelled=cancelled)
    seen = state.seen
    if planned.client != record.client:
        seen = Seen()
    elif planned.caregiver != record.caregiver:
        seen = msgspec.structs.replace(seen, elsewhere=())
    record = msgspec.structs.replace(record, **msgspec.structs.asdict(planned))
    return VisitState(record, seen)


VISIT_BOOK = VisitBook()
