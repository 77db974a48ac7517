"""One lane on a thread of its own: connects, recovers, works, and begins again after a loss.

A restart and a lost connection take the same road: what is in memory is thrown away, the rule
states last saved are loaded, and the feed is replayed from there up to what was committed. So
nothing is lost and nothing is concluded twice.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import structlog

from alerts.cases.casebook import Casebook
from alerts.clock import Clock
from alerts.connections import connect
from alerts.engine.engine import World, state_names
from alerts.engine.two_lanes import rules_of
from alerts.figures.alarm_load import CHATTER_WINDOW
from alerts.lanes.feed import Feed, NotifyListener, towns_between
from alerts.lanes.journal import Journal, Overtaken
from alerts.lanes.loop import LaneLoop
from alerts.lanes.past import town_before
from alerts.plans.plans import load_plans
from alerts.plans.roster import Roster, roster_of
from alerts.town.town import Town
from alerts.types import LaneName, Page, PlanSet, Stored
from core.backoff import Backoff
from core.database import first_line
from core.outage_log import OutageLog
from devices.directory import Directory
from devices.registry import load_directory
from ingest.history import replay

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0  # seconds between attempts on the database, doubling
LAST_DAYS = timedelta(days=3)  # the correction horizon of visits
STEADY = 10.0  # seconds of work after which a loss counts as the first again

log = structlog.get_logger()


class StartingTown(msgspec.Struct, frozen=True):
    """What a lane begins with."""

    directory: Directory
    plans: PlanSet
    roster: Roster


def load_town(conn: psycopg.Connection) -> StartingTown:
    """Return the register and the plans as they are stored now."""
    directory, plans = load_directory(conn), load_plans(conn)
    return StartingTown(directory, plans, roster_of(directory, plans, ZoneInfo(directory.timezone)))


def last_days(conn: psycopg.Connection, until: datetime | None) -> Iterator[Stored]:
    """Yield what a rule of a new version learns from before it goes on. Read only when needed.

    The life lane does without: an SOS waits for no history, and a press forgotten raises again.
    """
    if until is None:
        return
    for arrival, reading in replay(conn, until - LAST_DAYS, until):
        yield Stored(arrival, reading)


class RuleLane:
    """Runs from `start` to `stop`, however often the database goes and comes back."""

    def __init__(
        self,
        name: LaneName,
        database_url: str,
        clock: Clock,
        wake_pagers: Callable[[tuple[Page, ...]], None],
        town: StartingTown,
    ) -> None:
        self.name = name
        self.overtaken = threading.Event()  # another process has taken over; this lane has ended
        self._outage = OutageLog(log, lane=self.name)
        self.well_at = time.monotonic()  # of the last look that went well
        self.read_until = 0  # arrival
        self._database_url = database_url
        self._clock = clock
        self._wake_pagers = wake_pagers
        self._town = town
        self._loop: LaneLoop | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"alerts {name}", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step in hand."""
        self._stopping.set()
        self._thread.join()

    @property
    def roster(self) -> Roster:
        """Return the people and the register as this lane knows them."""
        loop = self._loop
        return loop.roster if loop else self._town.roster

    def _run(self) -> None:
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, steady=STEADY)
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._work()
            except psycopg.Error as error:
                self._outage.away(first_line(error))
            except Overtaken:
                log.error("another process has taken over", lane=self.name)
                self.overtaken.set()
                return
            except Exception:
                log.exception("lane failed, begins again", lane=self.name)
            self._stopping.wait(backoff.pause(time.monotonic() - began))

    def _work(self) -> None:
        """Work from a fresh start until asked to end. Raises psycopg.Error, Overtaken."""
        with (
            connect(self._database_url, f"{self.name} reads") as read,
            connect(self._database_url, f"{self.name} writes") as write,
            connect(self._database_url, f"{self.name} listens") as listen,
        ):
            listener = NotifyListener(listen, self.name)
            loop = self.recover(read, write)
            gc.freeze()  # a town's worth of values stays: don't search it for garbage each time
            while not self._stopping.is_set():
                fed = loop.step()
                self.well_at, self.read_until = time.monotonic(), fed.after
                self._outage.back()
                if fed.is_drained:
                    listener.wait(loop.seconds_to_wait())

    def recover(self, read: psycopg.Connection, write: psycopg.Connection) -> LaneLoop:
        """Return the loop where the lane last committed, or where it begins for the first time."""
        self._keep_town()
        rules = rules_of(self.name)
        journal = Journal(write, self.name, [rule.name for rule in rules_of("life")])
        at = journal.checkpoint
        town = Town(self._town.directory, self._town.plans, self._town.directory.timezone)
        town_before(write, town, at.states_at)  # what changed since is replayed
        world = World.begin(
            town.directory,
            town.plans(),
            timezone=town.zone.key,
            rules=rules,
            states=journal.states(state_names(rules)),
            clock=at.states_clock,
            hindsight=False,
            history=last_days(write, at.states_clock) if self.name == "main" else (),
        )
        roster = self._town.roster
        if at.states_clock is not None:
            roster = roster.within(town.directory, town.zone)
        then = at.clock or self._clock.now()  # the end of a mute may wait in the inbox since then
        raised = journal.raised_since(then - CHATTER_WINDOW)
        book = Casebook(roster, journal.open_alerts(), journal.mutes(then), raised)
        waiting = towns_between(write, at.states_at, at.heard_at)
        feed = Feed(read, self.name, at.states_at, at.heard_at, waiting)
        self._loop = LaneLoop(self.name, journal, world, book, feed, self._clock, self._wake_pagers)
        return self._loop

    def _keep_town(self) -> None:
        """Keep the town, so that a lost connection costs no second reading of the register."""
        if self._loop is not None:
            town = self._loop.world.town
            self._town = StartingTown(town.directory, town.plans(), self._loop.roster)
