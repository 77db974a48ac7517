"""What a board looks like on a screen: the snapshot that the stream sends and patches. Pure."""

from datetime import timedelta
from itertools import islice

from alerts.types import Alert, Severity
from dashboards.live.board import Board
from dashboards.live.duty import by_distance, in_visit, on_duty
from dashboards.live.kpi import is_open, is_unacknowledged
from dashboards.live.patch import Card, Figures, Mover, Nearest, Paged, Snapshot, Takeover
from dashboards.live.subjects import About, about
from dashboards.masking import mask_name
from devices.subject import Subject

SHOWN = 300  # rows sent at most, the most urgent first; the count of all is in the figures
HOLLOW = timedelta(minutes=10)  # how long one that ended unanswered stays, hollow
BUFFERED = timedelta(minutes=5)  # a press older than this when it reached us is named so
RANK = {Severity.LIFE: 0, Severity.HIGH: 1, Severity.MEDIUM: 2, Severity.LOW: 3}
ANSWERING = ("opened", "acknowledged", "arrived")
SENDING = ("paged", "queued", "sent", "delivered", "read", "failed_temporary", "failed_permanent")
PAGED = frozenset((*SENDING, *ANSWERING))
PAGED_SHOWN = 4  # people


def snapshot(board: Board, figures: Figures, *, map_version: str) -> Snapshot:
    """Return the whole screen at the board's clock.

    `figures` may be a second old: they cost most.
    """
    shown = sorted((alert for alert in board.alerts.values() if _on_wall(board, alert)), key=order)
    return Snapshot(
        at=board.at,
        map=map_version,
        cards={alert.id: card(board, alert) for alert in islice(shown, SHOWN)},
        caregivers={
            key: Mover(round(fix.lat, 5), round(fix.lon, 5), int(fix.at.timestamp()))
            for key, fix in board.fixes.items()
        },
        figures=figures,
    )


def order(alert: Alert) -> tuple[int, bool, float]:
    """Return the sort key: priority, then unanswered first, then oldest."""
    return RANK[alert.severity], alert.acked_at is not None, alert.raised_at.timestamp()


def card(board: Board, alert: Alert) -> Card:
    """Return one alert as a row, names masked."""
    known = about(board.directory, Subject.parse(alert.subject))
    place = known.place
    return Card(
        id=alert.id,
        rule=alert.rule,
        severity=alert.severity,
        state=alert.state,
        reason=alert.reason,
        subject=alert.subject,
        who=known.name if known.kind in ("area", "facility") else mask_name(known.name),
        area=alert.area or known.area,
        area_name=known.area_name,
        lat=place.lat if place else None,
        lon=place.lon if place else None,
        raised_at=alert.raised_at,
        ended_at=alert.cleared_at,
        acked_at=alert.acked_at,
        acked_by=_staff(board, alert.acked_by),
        arrived_at=alert.arrived_at,
        occurrences=alert.occurrences,
        sos=_takeover(board, alert, known) if takes_over(alert) else None,
    )


def takes_over(alert: Alert) -> bool:
    """Return True if an alert covers the map: an SOS does until a person answers it, without a
    timer."""
    return alert.rule == "sos_pressed" and is_unacknowledged(alert)


def _on_wall(board: Board, alert: Alert) -> bool:
    if alert.muted is not None:
        return False
    if is_open(alert):
        return True
    ended = alert.cleared_at if alert.state == "cleared" and alert.acked_at is None else None
    return ended is not None and board.at - ended < HOLLOW


def _takeover(board: Board, alert: Alert, known: About) -> Takeover:
    client = known.client
    observed, received = alert.observed_at, alert.received_at
    return Takeover(
        age=board.at.year - client.born if client and client.born else None,
        sex=client.sex if client else None,
        lives_alone=client.lives_alone if client else None,
        address=known.address,
        observed_at=observed,
        buffered=bool(observed and received and received - observed > BUFFERED),
        paged=_paged(board, alert),
        nearest=nearest(board, known),
    )


def _paged(board: Board, alert: Alert) -> tuple[Paged, ...]:
    """Return the last word on each person who was paged, in the order they were first paged."""
    last = {line.who: line for line in alert.story if line.who and line.what in PAGED}
    return tuple(
        Paged(_staff(board, who), line.what, line.at)
        for who, line in list(last.items())[-PAGED_SHOWN:]
    )


def nearest(board: Board, known: About) -> Nearest | None:
    """Return the nearest caregiver on duty and not in a visit, by last position."""
    if known.place is None:
        return None
    visits = board.visits.values()
    free = on_duty(visits, board.at) - in_visit(visits)
    for distance, key in by_distance(known.place, board.fixes, free, limit=1):
        carer = board.directory.caregivers.get(key)
        who = mask_name(carer.name if carer else key)
        return Nearest(key, who, round(distance), board.fixes[key].at)
    return None


def _staff(board: Board, person: str | None) -> str:
    return mask_name(board.staff.get(person, person)) if person else ""
