"""A lane's work from one start to the next loss of the database, step by step.

A step reads what there is, takes in what people did, lets the engine judge, climbs ladders, and
commits (`alerts.lanes.committer`). Up to what was committed before the start it replays: the
engine comes to where it was, and nothing is concluded a second time.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from alerts.cases.casebook import ABOUT_AN_ALERT, Casebook
from alerts.clock import Clock
from alerts.engine.engine import NOTHING, Outputs, World
from alerts.lanes.committer import Committer
from alerts.lanes.feed import Feed, FeedRead
from alerts.lanes.journal import Journal
from alerts.lanes.on_the_way import Journey, Journeys
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
)
from devices.readings import Position
from devices.subject import Subject

POLL = 1.0  # seconds; NOTIFY is only a hint
HORIZON_POLL = 0.1  # seconds between looks while a timer waits for the feed's horizon

log = structlog.get_logger()


class LaneLoop:
    """The world and the casebook of one lane, and how far both have come."""

    def __init__(
        self,
        lane: LaneName,
        journal: Journal,
        world: World,
        book: Casebook,
        feed: Feed,
        clock: Clock,
        wake_pagers: Callable[[tuple[Page, ...]], None],
    ) -> None:
        self._lane = lane
        self._journal = journal
        self._world = world
        self._book = book
        self._feed = feed
        self._clock = clock
        self._committer = Committer(lane, journal, world, book, wake_pagers)
        self._is_replaying = True
        self._ticked_to: datetime | None = None
        self._journeys = Journeys()  # the main lane's: it alone hears where phones are
        self._arrivals: list[Arrived] = []  # noticed in this step
        for alert in journal.on_the_way() if lane == "main" else ():
            self._begin_journey(alert, alert.acked_by, alert.acked_at)
        self._settle_beginning()

    def step(self) -> FeedRead:
        """Read the feed once and do all that follows. Raises psycopg.Error, Overtaken."""
        fed = self._feed.read()
        for entry in fed.entries:
            self._take_entry(entry)
        for stimulus in fed.stimuli:
            self._judge(stimulus)
        if fed.is_drained:
            self._pass_time(fed)
        if not self._is_replaying:  # what is replayed may have been cleared just behind
            self._book.wake(self._clock.now())
        self._committer.commit(fed, is_replaying=self._is_replaying)
        while self._arrivals:
            self._journal.append(self._arrivals.pop())
        return fed

    def seconds_to_wait(self) -> float:
        """Return how long there is nothing to do, unless something comes."""
        waits = [POLL]
        due = self._book.next_due()
        if due is not None:
            waits.append(max(self._clock.seconds_until(due), 0.0))
        timer = self._world.next_timer()
        if timer is not None:
            waits.append(max(self._clock.seconds_until(timer), HORIZON_POLL))
        return min(waits)

    @property
    def world(self) -> World:
        """Return the engine's world."""
        return self._world

    @property
    def roster(self) -> Roster:
        """Return the people and the register as they are now."""
        return self._book.roster

    # ------------------------------------------------------------ what comes in

    def _take_entry(self, entry: InboxEntry) -> None:
        if self._lane == "life" and isinstance(entry, Muted | Unmuted):
            return  # a life alert is never muted
        if self._lane == "main":
            self._take_for_both_lanes(entry)
        if isinstance(entry, ABOUT_AN_ALERT) and not self._book.holds(entry.alert):
            self._recall(entry.alert)
        self._book.hear(entry, self._clock.now())

    def _take_for_both_lanes(self, entry: InboxEntry) -> None:
        """Do what the main lane does for the alerts of both."""
        match entry:
            case Receipt():
                self._committer.add_receipt(entry)
            case Acknowledged():
                alert = self._journal.alert(entry.alert)
                if alert is not None and alert.acked_by in (None, entry.person):
                    self._begin_journey(alert, entry.person, entry.at)
            case Arrived() | Resolved():
                self._journeys.end(entry.alert)

    def _begin_journey(self, alert: Alert, person: str | None, since: datetime | None) -> None:
        roster = self._book.roster
        to = roster.directory.home_of(Subject.parse(alert.subject))
        if to is not None and person is not None and since is not None:
            journey = Journey(alert.id, person, roster.caregiver_of(person), since, to)
            self._journeys.begin(journey, roster.directory)

    def _recall(self, id: str) -> None:
        """Take a closed alert back into the casebook: its story goes on with what people do."""
        alert = self._journal.alert(id)
        if alert is not None and self._journal.is_ours(alert):
            self._book.recall(alert)

    def _judge(self, stimulus: Stored | TownChanged) -> None:
        if self._is_replaying and stimulus.arrival > self._journal.checkpoint.outputs_at:
            self._end_replay()
        if self._ticked_to is not None and stimulus.moment < self._ticked_to:
            self._committer.saving.require()  # replayed, timers would fire in another order
        outcome = self._world.advance(stimulus)
        if isinstance(stimulus, TownChanged):
            town = self._world.town
            self._book.roster = self._book.roster.within(town.directory, town.zone)
            self._committer.saving.require()
            self._settle(outcome, None)
            return
        if outcome is not NOTHING:
            self._settle(outcome, stimulus)
        if self._journeys and not self._is_replaying and isinstance(stimulus.reading, Position):
            self._note_arrivals(stimulus.reading)

    def _note_arrivals(self, fix: Position) -> None:
        """Note who has come to where they were going, for the inbox, as if they had tapped."""
        for journey in list(self._journeys.ended_by(fix)):
            self._journeys.end(journey.alert)
            self._arrivals.append(
                Arrived(
                    at=fix.received_at, alert=journey.alert, person=journey.person, via="position"
                )
            )

    def _pass_time(self, fed: FeedRead) -> None:
        """Fire timers up to the feed's horizon; all before it has been judged."""
        if self._is_replaying:
            self._end_replay()
        timer = self._world.next_timer()
        if self._world.clock is None or (timer is not None and timer < fed.horizon):
            self._ticked_to = fed.horizon
            self._settle(self._world.advance(Tick(fed.horizon)), None)

    def _settle(self, outcome: Outputs, cause: Stored | None) -> None:
        if self._is_replaying:
            return
        now = self._clock.now()
        for finding in outcome.findings:
            self._book.settle(finding, cause.reading if cause else None, now)
        self._committer.add_visits(outcome.visits)

    # ------------------------------------------------------------ beginning

    def _settle_beginning(self) -> None:
        """Raise what is already true where the states begin; it was not concluded before."""
        begun_at = self._journal.checkpoint.states_clock
        if begun_at is None:
            return
        self._is_replaying = False
        self._settle(self._world.advance(Tick(begun_at)), None)
        self._is_replaying = True

    def _end_replay(self) -> None:
        """Go on from here: the engine is where it was when it last committed."""
        clock = self._journal.checkpoint.clock
        if clock is not None:
            self._world.advance(Tick(clock))
        self._is_replaying = False
