"""The key figures, each by one exact definition. Pure: values and a clock in, numbers out.

Percentiles are by nearest rank. A figure that needs more cases than there are says so with None.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from alerts import history
from alerts.types import Alert, Severity, VisitRecord
from dashboards.live.board import Board
from dashboards.live.duty import in_visit, on_duty
from dashboards.live.patch import (
    AreaLoad,
    CurrentLoad,
    Figures,
    FloodCause,
    Share,
    Timing,
    Unacknowledged,
)
from devices.directory import Directory
from devices.subject import Subject
from ingest.history import MessageCount

URGENT = (Severity.LIFE, Severity.HIGH)
FEWEST = 5  # cases below which a percentile is not shown
LATE_AFTER = timedelta(minutes=15)  # a visit not begun this long after its planned start
SEEN_WITHIN = timedelta(minutes=10)  # a caregiver's position older than this counts as lost
WORST = 8  # areas listed
CAUSES = 3  # named in a flood
MUCH_REJECTED = 0.05  # of a family's messages


def figures(board: Board, *, seats: int = 1) -> Figures:
    """Return all figures of the board at its own clock; `seats` operators share the alarms."""
    now = board.at
    alerts = board.alerts.values()
    visits = board.visits.values()
    return Figures(
        unacknowledged=unacknowledged(alerts),
        open=dict(Counter(alert.severity.value for alert in alerts if _shown_open(alert))),
        ack_p95=time_to_ack(alerts, now),
        arrive_p50=time_to_arrive(alerts, now),
        devices=Share(board.census.online, board.census.commissioned),
        covered=Share(board.census.covered, board.census.clients),
        visits=visits_done(visits, now),
        visits_late=sum(is_late(visit, now) for visit in visits),
        visits_by_state=dict(Counter(visit.state for visit in visits)),
        caregivers=caregivers_active(board),
        lag_p95=board.traffic.lag_p95(),
        skewed=board.traffic.skewed,
        rates=board.traffic.rates(now),
        suppressed=sum(is_open(alert) and alert.muted is not None for alert in alerts),
        load=alarm_load(alerts, now, seats, board.directory),
        rejected=_rejected(board.counted.lately),
        rejecting=rejecting(board.counted.lately),
        unsettled={each.family: each.missing for each in board.counted.day if each.missing},
        dropped=board.counted.dropped,
        intruded=board.counted.intruded,
        worst=worst_areas(board),
    )


def is_open(alert: Alert) -> bool:
    """Return True if the alert has not ended, answered or not."""
    return alert.state in ("open", "acknowledged")


def is_unacknowledged(alert: Alert) -> bool:
    """Open, nobody has answered, and not muted."""
    return alert.state == "open" and alert.acked_at is None and alert.muted is None


def unacknowledged(alerts: Iterable[Alert]) -> Unacknowledged:
    """Return how many wait for an answer, and since when the oldest does."""
    waiting = [alert for alert in alerts if is_unacknowledged(alert)]
    return Unacknowledged(
        count=len(waiting),
        life=sum(alert.severity == Severity.LIFE for alert in waiting),
        high=sum(alert.severity == Severity.HIGH for alert in waiting),
        oldest=min((alert.raised_at for alert in waiting), default=None),
    )


def time_to_ack(alerts: Iterable[Alert], now: datetime) -> Timing:
    """Return P95 of acked_at - raised_at over P1 and P2 raised in the last 60 min.

    One not answered counts with its age so far (to its end, where it ended by itself), so that
    the figure cannot look good by leaving people waiting.
    """
    ages = [
        ((alert.acked_at or _ended(alert) or now) - alert.raised_at).total_seconds()
        for alert in alerts
        if alert.severity in URGENT
        and alert.muted is None
        and now - alert.raised_at <= timedelta(minutes=60)
    ]
    return Timing(percentile(ages, 95) if len(ages) >= FEWEST else None, len(ages))


def time_to_arrive(alerts: Iterable[Alert], now: datetime) -> Timing:
    """Return P50 of arrived_at - raised_at over P1 of the last 24 h that somebody went to."""
    times = [
        (alert.arrived_at - alert.raised_at).total_seconds()
        for alert in alerts
        if alert.severity == Severity.LIFE
        and alert.arrived_at is not None
        and now - alert.raised_at <= timedelta(hours=24)
    ]
    return Timing(percentile(times, 50), len(times))


def percentile(values: list[float], share: int) -> float | None:
    """Return the nearest-rank percentile: the smallest value with `share` percent at or
    below it."""
    if not values:
        return None
    return sorted(values)[-(-len(values) * share // 100) - 1]


def alarm_load(
    alerts: Iterable[Alert], now: datetime, seats: int, directory: Directory
) -> CurrentLoad:
    """Return what was raised in the last 10 min and the last hour, and what a flood is made of."""
    heard = [alert for alert in alerts if alert.muted is None]
    recent = history.flooding(heard, now)
    flood = history.is_flood(len(recent), seats)
    return CurrentLoad(
        seats=seats,
        raised_10m=len(recent),
        raised_1h=sum(now - alert.raised_at < timedelta(hours=1) for alert in heard),
        flood=flood,
        causes=_causes(recent, directory) if flood else (),
    )


def _causes(alerts: list[Alert], directory: Directory) -> tuple[FloodCause, ...]:
    most = history.causes(alerts, directory)[:CAUSES]
    return tuple(
        FloodCause(
            rule=each.rule,
            place=str(each.place or ""),
            name=_place_name(directory, each.place),
            alarms=each.alarms,
        )
        for each in most
    )


def false_alarms(alerts: Iterable[Alert], directory: Directory) -> list[tuple[str, Share]]:
    """Return resolved as false / resolved by the model (or kind) of the raising device, "" for
    none. Those with most false alarms first."""
    false, resolved = Counter[str](), Counter[str]()
    for alert in alerts:
        if alert.state == "resolved":
            model = _model(alert, directory)
            resolved[model] += 1
            false[model] += alert.outcome == "false_alarm"
    ranked = sorted(resolved, key=lambda model: (-false[model], -resolved[model], model))
    return [(model, Share(false[model], resolved[model])) for model in ranked]


def _model(alert: Alert, directory: Directory) -> str:
    device = directory.devices.get(next((e.device for e in alert.evidence if e.device), None))
    return (device.model or device.kind or "") if device else ""


def rejecting(counts: Iterable[MessageCount]) -> tuple[tuple[str, Share], ...]:
    """Return the families of which more than 5 % could not be read, the worst first."""
    bad = [each for each in counts if each.rejected > MUCH_REJECTED * each.received]
    bad.sort(key=lambda each: -each.rejected / max(each.received, 1))
    return tuple((each.family, _rejected((each,))) for each in bad)


def _rejected(counts: Iterable[MessageCount]) -> Share:
    counts = tuple(counts)
    return Share(sum(each.rejected for each in counts), sum(each.received for each in counts))


def visits_done(visits: Iterable[VisitRecord], now: datetime) -> Share:
    """Return visits done / planned to have begun by now: not the whole day's plan."""
    begun = [visit for visit in visits if visit.start <= now and visit.state != "cancelled"]
    return Share(sum(visit.state == "done" for visit in begun), len(begun))


def is_late(visit: VisitRecord, now: datetime) -> bool:
    """Return True if a visit has not begun 15 min after its planned start; a missed one is not
    late."""
    waiting = visit.began is None and visit.state in ("planned", "due", "late")
    return waiting and now - visit.start > LATE_AFTER


def caregivers_active(board: Board) -> Share:
    """Return caregivers on duty with a position within 10 min / on duty."""
    duty = on_duty(board.visits.values(), board.at)
    seen = (board.fixes.get(carer) for carer in duty)
    active = sum(fix is not None and board.at - fix.at <= SEEN_WITHIN for fix in seen)
    return Share(active, len(duty))


def worst_areas(board: Board) -> tuple[AreaLoad, ...]:
    """Return the areas with most open P1 and P2, then late visits, then uncovered clients."""
    urgent = Counter(
        alert.area
        for alert in board.alerts.values()
        if _shown_open(alert) and alert.severity in URGENT and alert.area
    )
    late = Counter(
        board.directory.area_of(Subject("client", visit.client))
        for visit in board.visits.values()
        if is_late(visit, board.at)
    )
    uncovered = board.census.uncovered
    names = {key for key in (*urgent, *late, *uncovered) if key}
    ranked = sorted(names, key=lambda key: (-urgent[key], -late[key], -uncovered.get(key, 0), key))
    free = _free_by_area(board)
    return tuple(
        AreaLoad(
            area=key,
            name=board.directory.name_of(Subject("area", key)) or key,
            open=urgent[key],
            uncovered=uncovered.get(key, 0),
            late=late[key],
            free=free.get(key, 0),
        )
        for key in ranked[:WORST]
    )


def _shown_open(alert: Alert) -> bool:
    return is_open(alert) and alert.muted is None


def _free_by_area(board: Board) -> dict[str, int]:
    """Return caregivers on duty and not in a visit, by the areas of their visits of the day."""
    visits = board.visits.values()
    free = on_duty(visits, board.at) - in_visit(visits)
    areas: defaultdict[str, set[str]] = defaultdict(set)
    for visit in visits:
        area = board.directory.area_of(Subject("client", visit.client))
        if area is not None and visit.caregiver in free:
            areas[area].add(visit.caregiver)
    return {area: len(carers) for area, carers in areas.items()}


def _place_name(directory: Directory, place: Subject | None) -> str:
    """Return the name of an area or agency; the id where none is known, as of a gateway."""
    return directory.name_of(place) or (place.id if place else "")


def _ended(alert: Alert) -> datetime | None:
    return alert.resolved_at or alert.cleared_at
