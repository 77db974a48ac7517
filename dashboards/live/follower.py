"""What has changed, read from the doors of the other rooms: the whole at first, then as it comes.

NOTIFY is a hint that hurries a look; each look asks for everything after what it has seen.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import structlog

from alerts import history as alerts_history
from alerts.history import AlertFilter
from alerts.types import VisitRecord
from core.ages import database_age
from core.database import connect
from core.keys_in_use import note_key
from core.outage_log import OutageLog
from dashboards.live.board import (
    KEEP,
    AlertsChanged,
    Board,
    Change,
    Counted,
    DayBegan,
    Health,
    LastHeard,
    ReadingsHeard,
    Second,
    TownIs,
    VisitsChanged,
    fold,
)
from dashboards.live.stream import Stream
from devices.directory import Directory
from devices.registry import load_snapshot, refresh
from ingest import history as ingest_history
from ingest.history import Worker

log = structlog.get_logger()

PAUSE = 0.1  # s between two looks at least, whatever is notified: a flood of hints is one look
BATCHES = 50  # of the feed, a look
SLOWLY = 5  # s between two readings of the people's names, and of the messages' counts
LATELY = timedelta(minutes=5)  # what the share of rejected messages is taken of
DAY = timedelta(days=1)  # over which the messages must add up
MAX_ALERTS = 100_000
DEAD_AFTER = timedelta(seconds=10)  # as the engine sees it: a worker not renewed is dead
LANES = ("life", "main")  # of the engine
AGAIN = 1.0  # s before a lost database is tried again


class Place(msgspec.Struct):
    """How far has been read."""

    arrival: int  # of the feed
    inbox: int  # of the inbox, for changes of the town
    change: int  # of alerts and visits
    directory: Directory
    staff: dict[str, str]
    day: date  # local date whose visits are on the board


def start(conn: psycopg.Connection, now: datetime) -> tuple[Board, Place]:
    """Return the board as everything stands now, and the place to go on from.

    The places are taken before the rows are read: what changes meanwhile is read twice.
    """
    arrival = ingest_history.last_arrival(conn)
    change = alerts_history.last_change(conn)
    directory, inbox = load_snapshot(conn)
    staff = _names(conn)
    day = _local_day(directory, now)
    place = Place(arrival, inbox, change, directory, staff, day)
    board = Board(at=now, directory=directory, staff=staff)
    recent = AlertFilter(since=now - KEEP, limit=MAX_ALERTS)
    for begun in (
        LastHeard(tuple(ingest_history.latest(conn))),
        AlertsChanged(tuple(alerts_history.alerts(conn, recent))),
        AlertsChanged(tuple(alerts_history.open_alerts(conn))),
        DayBegan(tuple(_visits_of(conn, directory, day))),
        counted(conn, now),
        Second(now, health(conn, now)),
    ):
        board = fold(board, begun)
    return board, place


def live(conn: psycopg.Connection, place: Place, stopping: Callable[[], bool]) -> Iterator[Change]:
    """Yield changes as they come, and a `Second` each second, until `stopping` says so.

    `conn` is in autocommit. Raises psycopg.OperationalError when the database goes away.
    """
    conn.execute("LISTEN arrival")
    conn.execute("LISTEN changed")
    second = slowly = time.monotonic()
    while not stopping():
        yield from _look(conn, place)
        if time.monotonic() - slowly >= SLOWLY:
            slowly = time.monotonic()
            yield from _people(conn, place)
            yield counted(conn, _now())
        if time.monotonic() >= second:
            second = max(second + 1, time.monotonic())
            now = _now()
            yield from _day(conn, place, now)
            yield Second(now, health(conn, now))
        time.sleep(PAUSE)
        list(conn.notifies(timeout=max(0.0, second - time.monotonic()), stop_after=1))


def health(conn: psycopg.Connection, now: datetime) -> Health:
    """Return how alive ingest and the engines are, by what each last said of itself."""
    workers = ingest_history.workers(conn)
    alive = [each for each in workers if now - each.renewed_at < DEAD_AFTER]
    behind = max((now - each.seen_until for each in alive), default=None)
    # Each lane by its liveliest worker; the deader of the two lanes is what the wall must say.
    heard = [max(_renewed(workers, lane), default=None) for lane in ("life", "bulk")]
    beats = [beat.renewed_at for beat in alerts_history.lane_beats(conn)]
    return Health(
        lag=_seconds(behind),
        ingest=_age(heard, now),
        engine=_age(beats, now) if len(beats) == len(LANES) else None,
    )


def counted(conn: psycopg.Connection, now: datetime) -> Counted:
    """Return what became of the messages, those that the broker dropped included."""
    lately, day = (ingest_history.message_counts(conn, now - span) for span in (LATELY, DAY))
    dropped = ingest_history.recent_drops(conn, now - DAY)
    intruded = len(ingest_history.recent_intrusions(conn, now - DAY))
    return Counted(tuple(lately), tuple(day), dropped, intruded)


def _renewed(workers: list[Worker], lane: str) -> Iterator[datetime]:
    return (each.renewed_at for each in workers if each.lane == lane)


def _age(moments: Sequence[datetime | None], now: datetime) -> float | None:
    """Return seconds since the oldest of the moments; None where one is missing."""
    known = [moment for moment in moments if moment is not None]
    return _seconds(now - min(known)) if known and len(known) == len(moments) else None


class Follower:
    """The thread that keeps a stream's boards up to date, through every loss of the database."""

    def __init__(self, database_url: str, stream: Stream, secret: str) -> None:
        self._url = database_url
        self._secret = secret  # whose fingerprint is noted
        self._stream = stream
        self._outage = OutageLog(log)
        self._database_age = database_age("dashboards")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="changes", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except psycopg.OperationalError as error:
                self._outage.away(type(error).__name__)
            except Exception:
                # A wall that is silently dead is the worst fault: begin anew whatever it was.
                log.exception("following broke off", again_in=AGAIN)
            self._stopping.wait(AGAIN)

    def _follow(self) -> None:
        with connect(self._url, "dashboards") as conn:
            note_key(conn, "dashboards", self._secret)
            board, place = start(conn, _now())
            self._stream.begin(board)
            for change in live(conn, place, self._stopping.is_set):
                self._database_age.set()
                self._outage.back()
                self._stream.take(change)


def _look(conn: psycopg.Connection, place: Place) -> Iterator[Change]:
    directory, place.inbox = refresh(conn, place.directory, place.inbox)
    if directory is not place.directory:
        place.directory = directory
        place.staff = _names(conn)
        yield TownIs(directory, place.staff)
    changes = alerts_history.changed_since(conn, place.change)
    place.change = changes.last
    if changes.alerts:
        yield AlertsChanged(changes.alerts)
    today = tuple(visit for visit in changes.visits if _is_on(visit, place))
    if today:
        yield VisitsChanged(today)
    batches = ingest_history.feed_after(conn, place.arrival, limit=BATCHES)
    if batches:
        place.arrival = batches[-1].last
        yield ReadingsHeard(_now(), tuple(each for batch in batches for each in batch.readings))


def _people(conn: psycopg.Connection, place: Place) -> Iterator[Change]:
    staff = _names(conn)
    if staff != place.staff:
        place.staff = staff
        yield TownIs(place.directory, staff)


def _day(conn: psycopg.Connection, place: Place, now: datetime) -> Iterator[Change]:
    day = _local_day(place.directory, now)
    if day != place.day:
        place.day = day
        yield DayBegan(tuple(_visits_of(conn, place.directory, day)))


def _visits_of(conn: psycopg.Connection, directory: Directory, day: date) -> list[VisitRecord]:
    since = datetime.combine(day, datetime.min.time(), ZoneInfo(directory.timezone))
    return alerts_history.visits_between(conn, since, since + timedelta(days=1))


def _is_on(visit: VisitRecord, place: Place) -> bool:
    return _local_day(place.directory, visit.start) == place.day


def _names(conn: psycopg.Connection) -> dict[str, str]:
    return {person.id: person.name or person.id for person in alerts_history.people(conn)}


def _local_day(directory: Directory, now: datetime) -> date:
    return now.astimezone(ZoneInfo(directory.timezone)).date()


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(max(0.0, span.total_seconds()), 2)


def _now() -> datetime:
    return datetime.now(UTC)
