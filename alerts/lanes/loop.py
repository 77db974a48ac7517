"""A lane's way from one start to the next loss of the database, step by step.

A step reads what there is, hears people, lets the engine judge, climbs ladders, and commits.
Up to what was committed before the start it walks in silence: the engine comes to where it was.
"""

import time
from collections.abc import Callable
from datetime import datetime

import structlog

from alerts import metrics
from alerts.cases.casebook import ABOUT_AN_ALERT, Casebook, Changed
from alerts.clock import Clock
from alerts.engine.engine import NOTHING, Outputs, StateRow, World, advance
from alerts.lanes.feed import Fed, Feed
from alerts.lanes.journal import Journal, Step
from alerts.lanes.on_the_way import Journey, Journeys, place_of
from alerts.plans.roster import Roster
from alerts.types import (
    Acknowledged,
    Alert,
    Arrived,
    InboxEntry,
    LaneName,
    Muted,
    Page,
    Receipt,
    Resolved,
    Stored,
    Tick,
    TownChanged,
    Unmuted,
    VisitRecord,
)
from devices.readings import Position

POLL = 1.0  # seconds; NOTIFY is only a hint
HORIZON_POLL = 0.1  # seconds between looks while a timer waits for the feed's horizon
SAVE_EVERY = 5.0  # seconds between two savings of rule states, longer where saving takes long
SAVE_SHARE = 0.1  # of the time at most may go into saving states
BEAT = 10.0  # seconds after which the checkpoint is renewed though nothing happened

log = structlog.get_logger()


class LaneLoop:
    """The world, the casebook, and how far both have come."""

    def __init__(
        self,
        lane: LaneName,
        journal: Journal,
        world: World,
        book: Casebook,
        feed: Feed,
        clock: Clock,
        ring: Callable[[tuple[Page, ...]], None],
    ) -> None:
        self._lane = lane
        self._journal = journal
        self._world = world
        self._book = book
        self._feed = feed
        self._clock = clock
        self._ring = ring
        self._is_silent = True
        self._must_save = journal.checkpoint.states_clock is None  # the beginning is kept at once
        self._ticked_to: datetime | None = None
        self._saved_at = time.monotonic()
        self._saving_took = 0.0
        self._visits: list[VisitRecord] = []
        self._receipts: list[Receipt] = []
        self._journeys = Journeys()  # the main lane's: it alone hears where phones are
        self._came: list[Arrived] = []
        for alert in journal.on_the_way() if lane == "main" else ():
            self._goes(alert, alert.acked_by, alert.acked_at)
        self._speak_of_begun()

    def step(self) -> Fed:
        """One look at the feed, and all that follows. Raises psycopg.Error, Overtaken."""
        fed = self._feed.read()
        for entry in fed.entries:
            self._hear(entry)
        for stimulus in fed.stimuli:
            self._judge(stimulus)
        if fed.is_drained:
            self._pass_time(fed)
        if not self._is_silent:  # what is walked again may have been cleared just behind
            self._book.wake(self._clock.now())
        self._commit(fed)
        while self._came:
            self._journal.append(self._came.pop())
        return fed

    def seconds_to_wait(self) -> float:
        """How long there is nothing to do, unless something comes."""
        waits = [POLL]
        due = self._book.next_due()
        if due is not None:
            waits.append(max(self._clock.seconds_until(due), 0.0))
        timer = self._world.next_wake()
        if timer is not None:
            waits.append(max(self._clock.seconds_until(timer), HORIZON_POLL))
        return min(waits)

    @property
    def world(self) -> World:
        return self._world

    @property
    def roster(self) -> Roster:
        """The people and the register as they are known now."""
        return self._book.roster

    # ------------------------------------------------------------ what comes in

    def _hear(self, entry: InboxEntry) -> None:
        if self._lane == "life" and isinstance(entry, Muted | Unmuted):
            return  # a life alert is never muted
        if self._lane == "main":
            self._hear_for_all(entry)
        if isinstance(entry, ABOUT_AN_ALERT) and not self._book.holds(entry.alert):
            self._recall(entry.alert)
        self._book.hear(entry, self._clock.now())

    def _hear_for_all(self, entry: InboxEntry) -> None:
        """What the main lane sees to for the alerts of both."""
        match entry:
            case Receipt():
                self._receipts.append(entry)
            case Acknowledged():
                alert = self._journal.alert(entry.alert)
                if alert is not None and alert.acked_by in (None, entry.person):
                    self._goes(alert, entry.person, entry.at)
            case Arrived() | Resolved():
                self._journeys.end(entry.alert)

    def _goes(self, alert: Alert, person: str | None, since: datetime | None) -> None:
        roster = self._book.roster
        to = place_of(alert.subject, roster.directory)
        if to is not None and person is not None and since is not None:
            journey = Journey(alert.id, person, roster.caregiver_of(person), since, to)
            self._journeys.begin(journey, roster.directory)

    def _recall(self, id: str) -> None:
        """A word about an alert that is closed: it is still told in its story."""
        alert = self._journal.alert(id)
        if alert is not None and self._journal.is_ours(alert):
            self._book.recall(alert)

    def _judge(self, stimulus: Stored | TownChanged) -> None:
        if self._is_silent and stimulus.arrival > self._journal.checkpoint.outputs_at:
            self._end_silence()
        if self._ticked_to is not None and stimulus.moment < self._ticked_to:
            self._must_save = True  # walked again, timers would fire in another order
        outcome = advance(self._world, stimulus)
        if isinstance(stimulus, TownChanged):
            town = self._world.town
            self._book.roster = self._book.roster.within(town.directory, town.zone)
            self._must_save = True
            self._settle(outcome, None)
            return
        if outcome is not NOTHING:
            self._settle(outcome, stimulus)
        if self._journeys and not self._is_silent and isinstance(stimulus.reading, Position):
            self._comes(stimulus.reading)

    def _comes(self, fix: Position) -> None:
        """A phone is where its person was going to: it says so in the inbox, as a tap would."""
        for journey in list(self._journeys.ended_by(fix)):
            self._journeys.end(journey.alert)
            self._came.append(
                Arrived(
                    at=fix.received_at, alert=journey.alert, person=journey.person, via="position"
                )
            )

    def _pass_time(self, fed: Fed) -> None:
        """Timers fire up to the feed's horizon, once all before it has been judged."""
        if self._is_silent:
            self._end_silence()
        timer = self._world.next_wake()
        if self._world.clock is None or (timer is not None and timer < fed.horizon):
            self._ticked_to = fed.horizon
            self._settle(advance(self._world, Tick(fed.horizon)), None)

    def _settle(self, outcome: Outputs, cause: Stored | None) -> None:
        if self._is_silent:
            return
        now = self._clock.now()
        for finding in outcome.findings:
            self._book.settle(finding, cause.reading if cause else None, now)
        self._visits.extend(outcome.visits)

    # ------------------------------------------------------------ beginning

    def _speak_of_begun(self) -> None:
        """What is already true at the start is raised; it was not walked before."""
        begun_at = self._journal.checkpoint.states_clock
        if begun_at is None:
            return
        self._is_silent = False
        self._settle(advance(self._world, Tick(begun_at)), None)
        self._is_silent = True

    def _end_silence(self) -> None:
        """The engine is where it was when it last committed."""
        clock = self._journal.checkpoint.clock
        if clock is not None:
            advance(self._world, Tick(clock))
        self._is_silent = False

    # ------------------------------------------------------------ what goes out

    def _commit(self, fed: Fed) -> None:
        changed = self._book.take()
        before = self._journal.checkpoint
        speaks = bool(changed or self._visits or self._receipts)
        if not speaks and not self._save_is_due(fed):
            return
        began = time.monotonic()
        states = self._states(fed)
        self._journal.commit(
            Step(
                changed=changed,
                visits=tuple(self._visits),
                receipts=tuple(self._receipts),
                states=states,
                outputs_at=max(fed.after, before.outputs_at),
                heard_at=fed.heard,
                clock=before.clock if self._is_silent else self._world.clock,
            )
        )
        self._committed(changed, states, time.monotonic() - began)

    def _committed(
        self, changed: Changed, states: tuple[StateRow, ...] | None, took: float
    ) -> None:
        if states is not None:
            self._saved_at, self._saving_took = time.monotonic(), took
        self._visits.clear()
        self._receipts.clear()
        metrics.COMMIT.labels(self._lane).observe(took)
        metrics.count_opened(changed)
        if changed.pages:
            self._ring(changed.pages)

    def _save_is_due(self, fed: Fed) -> bool:
        if self._is_silent:
            return False
        since = time.monotonic() - self._saved_at
        moved = fed.after != self._journal.checkpoint.states_at
        wait = max(SAVE_EVERY, self._saving_took / SAVE_SHARE)
        return self._must_save or since > (wait if moved else max(BEAT, wait))

    def _states(self, fed: Fed) -> tuple[StateRow, ...] | None:
        if not self._save_is_due(fed):
            return None
        self._must_save = False
        return tuple(self._world.take_dirty())
