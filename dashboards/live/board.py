"""What the screens are drawn from: one frozen value, and how each change makes the next one.

Pure: `fold(board, change) -> Board`. The edge that reads the changes is `changes.py`; what a
screen is sent of a board is `screen.py`; the figures are counted in `kpi.py`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from alerts.types import Alert, VisitRecord
from core.shelf import Shelf
from dashboards.live import census
from dashboards.live.census import Census
from dashboards.live.duty import on_duty
from dashboards.live.traffic import Traffic
from dashboards.scope import WHOLE, Scope, sees_alert, sees_subject, sees_visit
from devices.directory import Directory
from devices.readings import DeviceStatus, Position, Reading
from devices.subject import Subject
from ingest.history import MessageCount

KEEP = timedelta(hours=24)  # an ended alert stays for the figures that look this far back


class LastFix(msgspec.Struct, frozen=True):
    """A caregiver's last position."""

    device: str
    lat: float
    lon: float
    at: datetime  # the time it is judged by


class Health(msgspec.Struct, frozen=True):
    """How old the data is, in seconds; None = nobody is there."""

    lag: float | None = None  # everything received longer ago than this is on the board
    ingest: float | None = None  # since an ingest worker was last heard of
    engine: float | None = None  # since the slower engine lane last committed or looked


# ---------------------------------------------------------------- changes


class ReadingsHeard(msgspec.Struct, frozen=True):
    """Readings that ingest has committed, read by us at `at`."""

    at: datetime
    readings: tuple[Reading, ...]


class LastHeard(msgspec.Struct, frozen=True):
    """The last readings of each device before the board began: no traffic, only knowledge."""

    readings: tuple[Reading, ...]


class AlertsChanged(msgspec.Struct, frozen=True):
    """Alerts as they now are."""

    alerts: tuple[Alert, ...]


class VisitsChanged(msgspec.Struct, frozen=True):
    """Visits as they now are."""

    visits: tuple[VisitRecord, ...]


class DayBegan(msgspec.Struct, frozen=True):
    """A new local day: these are its visits, yesterday's go."""

    visits: tuple[VisitRecord, ...]


class TownIs(msgspec.Struct, frozen=True):
    """The register as it now is, and the names of those who answer."""

    directory: Directory
    staff: dict[str, str]  # person id -> name


class Counted(msgspec.Struct, frozen=True):
    """What became of the messages, as ingest has kept it."""

    lately: tuple[MessageCount, ...]  # of the last 5 min
    day: tuple[MessageCount, ...]  # of the last 24 h
    dropped: int = 0  # by the broker since its start, where any of it was in the last 24 h
    intruded: int = 0  # signs of 24 h that somebody else reads a broker session of ours


class Second(msgspec.Struct, frozen=True):
    """A second has passed."""

    at: datetime
    health: Health


Change = (
    ReadingsHeard | LastHeard | AlertsChanged | VisitsChanged | DayBegan | TownIs | Counted | Second
)

# ---------------------------------------------------------------- the board


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an audience's screens are drawn from."""

    scope: Scope = WHOLE
    at: datetime
    directory: Directory
    staff: dict[str, str] = {}
    alerts: dict[str, Alert] = {}  # not ended, or raised within KEEP
    visits: dict[str, VisitRecord] = {}  # of the local day
    heard: Shelf[datetime] = Shelf()  # device id -> when it was last heard of
    gone: frozenset[str] = frozenset()  # devices that have said they go, or whose broker has
    clocks: dict[str, str] = {}  # device id -> what is wrong with its clock; sane ones left out
    fixes: dict[str, LastFix] = {}  # caregiver id -> last position
    visiting: frozenset[str] = frozenset()  # caregiver ids of those visits
    traffic: Traffic = Traffic()
    counted: Counted = Counted((), ())  # of the whole town: left out of a narrower scope
    census: Census = Census()
    health: Health = Health()


def fold(board: Board, change: Change) -> Board:
    """Return the board after the change. What lies outside the board's scope leaves no trace."""
    match change:
        case ReadingsHeard():
            return _heard(board, change)
        case LastHeard():
            in_order = sorted(change.readings, key=lambda reading: reading.received_at)
            return _moved(_listened(board, in_order), in_order)
        case AlertsChanged():
            return _alerts(board, change.alerts)
        case VisitsChanged():
            return _with_visits(board, board.visits, change.visits)
        case DayBegan():
            return _with_visits(board, {}, change.visits)
        case TownIs():
            return msgspec.structs.replace(board, directory=change.directory, staff=change.staff)
        case Counted():
            return msgspec.structs.replace(board, counted=change) if board.scope.whole else board
        case Second():
            return _second(board, change)


def narrowed(board: Board, scope: Scope) -> Board:
    """Return the board another audience begins with: the same facts, less what it may not see."""
    seen = Board(
        scope=scope,
        at=board.at,
        directory=board.directory,
        staff=board.staff,
        heard=board.heard,
        gone=board.gone,
        clocks=board.clocks,
        health=board.health,
    )
    seen = _alerts(seen, board.alerts.values())
    seen = _with_visits(seen, {}, board.visits.values())
    fixes = {key: fix for key, fix in board.fixes.items() if shows(seen, Subject("caregiver", key))}
    seen = msgspec.structs.replace(seen, fixes=fixes)
    return msgspec.structs.replace(seen, census=_census(seen, board.at))


def shows(board: Board, subject: Subject) -> bool:
    """Return True if a subject is within the board's scope.

    A caregiver, and whatever they carry, is shown to their agency and to the areas they visit
    today.
    """
    if board.scope.whole:
        return True
    if board.scope.vendor is not None:
        return sees_subject(board.scope, board.directory, subject)
    who = subject
    if subject.kind == "device" and (device := board.directory.devices.get(subject.id)):
        who = device.subject
    if who.kind == "caregiver" and who.id in board.visiting:
        return True
    return sees_subject(board.scope, board.directory, subject)


def _heard(board: Board, change: ReadingsHeard) -> Board:
    readings = [one for one in change.readings if shows(board, Subject("device", one.device))]
    board = _moved(_listened(board, readings), readings)
    return msgspec.structs.replace(board, traffic=board.traffic.with_readings(change.at, readings))


def _listened(board: Board, readings: Iterable[Reading]) -> Board:
    """Take in who was heard of.

    A device that says it goes, or whose broker says so, is not there.
    """
    heard: dict[str, datetime | None] = {}
    clocks: dict[str, str] = {}
    gone: set[str] = set()
    for reading in readings:
        heard[reading.device] = reading.received_at
        clocks[reading.device] = reading.clock
        gone.discard(reading.device)
        if isinstance(reading, DeviceStatus) and reading.online is False:
            gone.add(reading.device)
    clocks = {**board.clocks, **clocks}
    return msgspec.structs.replace(
        board,
        heard=board.heard.changed(heard),
        gone=board.gone.difference(heard) | gone,
        clocks={device: clock for device, clock in clocks.items() if clock != "ok"},
    )


def _moved(board: Board, readings: Iterable[Reading]) -> Board:
    """Move caregivers to their newest positions; late positions move nobody back."""
    fixes = dict(board.fixes)
    for reading in readings:
        if not isinstance(reading, Position):
            continue
        caregiver = _carrier(board, reading.device)
        if caregiver is None or not shows(board, Subject("caregiver", caregiver)):
            continue
        last = fixes.get(caregiver)
        if last is None or last.at <= reading.at:
            fixes[caregiver] = LastFix(reading.device, reading.lat, reading.lon, reading.at)
    return msgspec.structs.replace(board, fixes=fixes)


def _alerts(board: Board, changed: Iterable[Alert]) -> Board:
    alerts = dict(board.alerts)
    for alert in changed:
        if sees_alert(board.scope, board.directory, alert):
            alerts[alert.id] = alert
    return msgspec.structs.replace(board, alerts=alerts)


def _with_visits(
    board: Board, kept: dict[str, VisitRecord], changed: Iterable[VisitRecord]
) -> Board:
    seen = {visit.id: visit for visit in changed if sees_visit(board.scope, board.directory, visit)}
    visits = {**kept, **seen}
    carers = {carer for visit in visits.values() for carer in (visit.caregiver, visit.came)}
    visiting = frozenset(carer for carer in carers if carer is not None)
    return msgspec.structs.replace(board, visits=visits, visiting=visiting)


def _second(board: Board, change: Second) -> Board:
    """Let the board grow a second older, and drop ended alerts that the figures no longer need."""
    oldest = change.at - KEEP
    stale = {key for key, alert in board.alerts.items() if _ended_before(alert, oldest)}
    alerts = board.alerts
    if stale:
        alerts = {key: alert for key, alert in alerts.items() if key not in stale}
    return msgspec.structs.replace(
        board,
        at=change.at,
        health=change.health,
        alerts=alerts,
        traffic=board.traffic.at_second(change.at),
        census=_census(board, change.at),
    )


def _census(board: Board, now: datetime) -> Census:
    if not census.due(board.census, now, len(board.directory.devices)):
        return board.census
    duty = on_duty(board.visits.values(), now)
    alive = census.Signs(board.heard, board.gone, now)
    return census.take(board.directory, alive, scope=board.scope, duty=duty)


def _ended_before(alert: Alert, oldest: datetime) -> bool:
    return alert.state in ("resolved", "cleared") and alert.raised_at < oldest


def _carrier(board: Board, device: str) -> str | None:
    """Return the caregiver who carries a device, if one does."""
    found = board.directory.devices.get(device)
    return found.subject.id if found and found.subject.kind == "caregiver" else None
