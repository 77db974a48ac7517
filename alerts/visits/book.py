"""The visit book: one record a visit, built from all evidence, revised as evidence comes.

The record says who came, from when to when, how sure that is (verified, probable, contradicted,
none) and, when nobody did, why: `caregiver_elsewhere` (the phone was followed elsewhere),
`caregiver_silent` (tracking was lost for longer than the visit takes: lost is not absent),
`caregiver_unplaced` (the phone spoke meanwhile, and no fix of the time says from where),
`caregiver_mock` (the phone made its places up, which are no evidence),
`no_caregiver_data` (no caregiver, no phone or no home to compare with) or `substitute_came`.
Rules on visits judge this record and gather nothing themselves. They hear of it (`VisitSeen`) when
it changes. Evidence is taken until `correction_hours` after the window; then the visit is
forgotten (`VisitForgotten`).
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import msgspec

from alerts.rule import (
    KEEP_TIMER,
    UNCHANGED,
    Begun,
    Change,
    Forget,
    Keep,
    Rule,
    RuleEvent,
    RuleState,
    Verdict,
)
from alerts.town.parameters import Parameters
from alerts.town.town import Town
from alerts.town.visits_at import VAGUE, nearest
from alerts.types import Severity, TownChanged, VisitRecord
from alerts.visits.calendar import CALENDAR, VisitPlanned, planned_on
from alerts.visits.evidence import (
    Mark,
    Opening,
    Seen,
    with_contact,
    with_door,
    with_mark,
    with_position,
)
from alerts.visits.record import cancelled, concluded, next_look
from alerts.visits.shares import behind
from alerts.visits.stretches import lengthened
from alerts.visits.terms import deadlines
from devices.readings import DeviceStatus, DoorMoved, Position, VisitMarked
from devices.subject import Subject

Sign = Position | VisitMarked | DoorMoved | DeviceStatus  # a reading that may show a visit
STALE = timedelta(minutes=1)  # a fix received so much later was made before; our choice


class VisitSeen(RuleEvent, frozen=True):
    """A visit's record is new or has changed."""

    record: VisitRecord

    def enter(self, town: Town) -> None:
        town.visit_index.take(self.record, town.directory)
        town.visit_index.concluded.append(self.record)


class VisitForgotten(RuleEvent, frozen=True):
    """No evidence is taken for this visit any more."""

    visit: str

    def enter(self, town: Town) -> None:
        town.visit_index.drop(self.visit)
        town.deadlines.pop(self.visit, None)


class VisitState(RuleState, frozen=True):
    """A visit's record, and the evidence that it is built from."""

    record: VisitRecord
    seen: Seen = Seen()
    cancelled: bool = False


class VisitBook(Rule[VisitState, Parameters, Sign, VisitPlanned | VisitSeen]):
    """Keeps the records. Its keys are visit ids; it finds nothing itself."""

    name = "visit"
    severity = Severity.LOW
    needs = (CALENDAR,)
    readings = (Position, VisitMarked, DoorMoved, DeviceStatus)
    events = (VisitPlanned, VisitSeen)
    settings = Parameters
    state = VisitState

    def route_reading(self, reading: Sign, town: Town) -> Iterable[str]:
        if isinstance(reading, Position):
            caregiver = town.caregiver_of(reading.device)
            return placed_or_heard(reading, caregiver, town) if caregiver else ()
        if isinstance(reading, DeviceStatus):
            caregiver = town.caregiver_of(reading.device)
            return heard(reading, caregiver, town) if caregiver else ()
        return opened(reading, town) if isinstance(reading, DoorMoved) else marked(reading, town)

    def route_event(self, event: VisitPlanned | VisitSeen, town: Town) -> Iterable[str]:
        if isinstance(event, VisitPlanned):
            return (event.visit.id,)
        return behind(event.record, town.visit_index)

    def route_change(self, change: Change, town: Town) -> Iterable[str]:
        return () if isinstance(change, Begun) else visits_of(change, town)

    def on_reading(
        self, key: str, state: VisitState | None, reading: Sign, town: Town
    ) -> Verdict[VisitState]:
        if state is None:
            return UNCHANGED
        after = gathered(key, state, reading, town)
        if after is state:
            return UNCHANGED
        if is_settled(state, after):
            return Keep(after, KEEP_TIMER)
        return conclude(after, town)

    def on_event(
        self, key: str, state: VisitState | None, event: VisitPlanned | VisitSeen, town: Town
    ) -> Verdict[VisitState]:
        """Begin a visit nobody has seen anything of yet; it is judged from its window's start.

        Judge one again that shares its time with a visit before it, whose record has changed.
        """
        if isinstance(event, VisitSeen):
            shares = state is not None and bool(state.seen.presences)
            return conclude(state, town) if state is not None and shares else UNCHANGED
        if state is not None:
            return UNCHANGED
        record = VisitRecord(**msgspec.structs.asdict(event.visit), revised_at=town.now)
        return Keep(VisitState(record), record.start, events=(VisitSeen(record),))

    def on_timer(self, key: str, state: VisitState, town: Town) -> Verdict[VisitState]:
        return conclude(state, town)

    def on_change(
        self, key: str, state: VisitState | None, change: Change, town: Town
    ) -> Verdict[VisitState]:
        if state is None:
            return UNCHANGED
        return conclude(replanned(state, town), town, before=state.record)

    def enter(self, states: Mapping[str, VisitState], town: Town) -> None:
        for state in states.values():
            town.visit_index.take(state.record, town.directory)


def conclude(
    state: VisitState, town: Town, before: VisitRecord | None = None
) -> Verdict[VisitState]:
    """Return the verdict with the record as plan and evidence now show it.

    It is sent out when it differs from `before`, or from the state's own where that is None.
    """
    before = before or state.record
    when = deadlines(state.record, town)
    if town.now >= when.forgotten:
        return Forget(events=(VisitForgotten(state.record.id),))
    record = concluded(state.record, state.seen, when, town)
    if state.cancelled:
        record = cancelled(record)
    look = next_look(record, state.seen, when, town)
    if record == before:
        return Keep(state, look)
    record = msgspec.structs.replace(record, revision=before.revision + 1, revised_at=town.now)
    state = msgspec.structs.replace(state, record=record)
    return Keep(state, look, events=(VisitSeen(record),))


# ---------------------------------------------------------------- which visits, what evidence


def placed_or_heard(fix: Position, caregiver: str, town: Town) -> Iterable[str]:
    """Return the visits a fix counts for, and those in whose time it only shows a live phone."""
    places = town.visit_index.places(fix, caregiver)
    if not is_unplaced(fix):
        return places
    return dict.fromkeys((*places, *heard(fix, caregiver, town)))


def is_unplaced(fix: Position) -> bool:
    """Return True if a fix does not show where a phone is now: at rest it repeats its last one."""
    return fix.received_at - fix.at > STALE or (fix.accuracy or 0) > VAGUE


def heard(reading: Position | DeviceStatus, caregiver: str, town: Town) -> tuple[str, ...]:
    """Return the caregiver's own visits in whose time a reading was received."""
    if isinstance(reading, DeviceStatus) and (reading.online is False or reading.replayed):
        return ()
    index = town.visit_index
    open_then = index.open_at(index.of_caregiver(caregiver), reading.received_at)
    return tuple(visit.id for visit in open_then)


def opened(door: DoorMoved, town: Town) -> tuple[str, ...]:
    """Return the visits that an opening door at a client's home may speak of."""
    subject = Subject.parse(town.subject_of(door.device))
    if subject.kind != "client" or not door.open:
        return ()
    visits = town.visit_index.of_client(subject.id)
    return tuple(visit.id for visit in town.visit_index.open_at(visits, door.at))


def marked(mark: VisitMarked, town: Town) -> tuple[str, ...]:
    """Return the visit a mark belongs to: the caregiver's own first, then the nearest window."""
    caregiver, visit_index = town.caregiver_of(mark.device), town.visit_index
    if caregiver is None:
        return ()
    visits = (
        visit_index.of_client(mark.client) if mark.client else visit_index.of_caregiver(caregiver)
    )
    found = visit_index.open_at(visits, mark.at)
    own = [visit for visit in found if visit.caregiver == caregiver]
    return tuple(visit.id for visit in nearest([(0, visit) for visit in own or found], mark.at, 0))


def gathered(key: str, state: VisitState, reading: Sign, town: Town) -> VisitState:
    """Return the state with one more reading; the same object when it changes nothing."""
    seen = state.seen
    caregiver = town.caregiver_of(reading.device)
    if isinstance(reading, Position) and caregiver:
        place = town.visit_index.places(reading, caregiver).get(key)
        gap = deadlines(state.record, town).terms.gap
        fix = (reading.at, reading.device, reading.id)
        if place == "mock" and not is_of_visit(reading.at, state.record, town):
            place = None
        seen = with_position(seen, place, caregiver, fix, gap) if place else seen
        if is_unplaced(reading) and key in heard(reading, caregiver, town):
            seen = with_contact(seen, reading.received_at, reading.device, reading.id, gap)
    elif isinstance(reading, DeviceStatus):
        gap = deadlines(state.record, town).terms.gap
        seen = with_contact(seen, reading.received_at, reading.device, reading.id, gap)
    elif isinstance(reading, VisitMarked) and caregiver:
        mark = Mark(reading.at, reading.id, reading.device, caregiver, reading.action)
        seen = with_mark(seen, mark)
    elif isinstance(reading, DoorMoved):
        seen = with_door(seen, Opening(reading.at, reading.id, reading.device))
    return state if seen is state.seen else VisitState(state.record, seen, state.cancelled)


def is_of_visit(at: datetime, record: VisitRecord, town: Town) -> bool:
    """Return True if what happens at a moment counts as the visit."""
    terms = deadlines(record, town).terms
    return terms.first <= at <= terms.last


def is_settled(before: VisitState, after: VisitState) -> bool:
    """Return True if it is plain, without working it out, that the record stays as it is.

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
    if any(mark.at > mine.sure[-1].last for mark in now.marks):
        return False  # the longer stay may back it
    return any(fact.at == mine.sure[-1].first for fact in record.evidence)


def visits_of(change: TownChanged, town: Town) -> Iterable[str]:
    """Return the visits that a change concerns: by their plans, their people or the settings."""
    visits, plans = town.visit_index.visits, change.plans
    if plans.rules is not None or plans.rules_for is not None or change.timezone:
        return tuple(visits)
    named = {*(plan.id for plan in plans.visits), *plans.removed.get("visits", ())}
    people = people_of(change)
    return tuple(
        key
        for key, visit in visits.items()
        if visit.plan in named
        or Subject("client", visit.client) in people
        or (visit.caregiver is not None and Subject("caregiver", visit.caregiver) in people)
    )


def people_of(change: TownChanged) -> set[Subject]:
    """Return the people a change of the register concerns, devices counted to their holders."""
    register = change.register
    return {
        *(Subject("client", client.id) for client in register.clients),
        *(Subject("caregiver", caregiver.id) for caregiver in register.caregivers),
        *(device.subject for device in register.devices if device.holder),
    }


def replanned(state: VisitState, town: Town) -> VisitState:
    """Return the state after the plan may have changed. A visit that is over is not cancelled."""
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
