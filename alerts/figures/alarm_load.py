"""How heavy the alarms weigh on the people who answer them: the figures of ISA-18.2 and EEMUA 191.

An alarm is one `raised` finding; what joins, revises or clears it adds nothing to the load. The
work is taken as shared evenly between the operator seats. Nothing here reads a clock.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from alerts.types import AlertKey, Finding, Severity

# ANSI/ISA-18.2-2016 and EEMUA 191: per operator about 150 alarms a day are manageable, 300 are
# the most that can be borne; more than 10 in 10 minutes is a flood, over when fewer than 5 are;
# an alarm that comes 3 times within a minute chatters; one that stands for 24 hours is stale.
MANAGEABLE_A_DAY = 150
UNBEARABLE_A_DAY = 300
FLOOD_WINDOW = timedelta(minutes=10)
FLOOD_BEGINS_ABOVE = 10
FLOOD_ENDS_BELOW = 5
CHATTER_WINDOW = timedelta(minutes=1)
CHATTER_COUNT = 3
STALE_AFTER = timedelta(hours=24)
SOURCES_NAMED = 10

Rating = Literal["manageable", "demanding", "overloaded"]


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm as an operator met it."""

    key: AlertKey
    severity: Severity
    at: datetime  # raised
    cleared_at: datetime | None = None  # None = it still stood at the end


class Flood(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch with more alarms than a seat can answer."""

    begin: datetime  # the alarm that made it a flood
    end: datetime  # when fewer than 5 a seat were left in the 10 minutes before
    alarms: int  # from 10 minutes before `begin` up to `end`


class AlarmSource(msgspec.Struct, frozen=True, kw_only=True):
    """One rule about one subject, with how often (or how long) it troubled the operator."""

    rule: str
    subject: str
    key: str = ""
    alarms: int = 0  # in the worst minute (chattering), or in all (busiest)
    hours: float = 0.0  # how long it stood (stale)


class AlarmLoad(msgspec.Struct, frozen=True, kw_only=True):
    """The figures for one stretch of time."""

    begin: datetime
    end: datetime
    seats: int
    days: float  # length of the stretch; a part of a day counts as one, not multiplied up
    alarms: int
    per_seat_per_day: float
    rating: Rating  # up to 150 a seat and day manageable, from 300 overloaded
    peak_10_minutes: float  # most alarms a seat met in any 10 minutes
    peak_at: datetime | None
    floods: tuple[Flood, ...]
    flood_share: float  # share of the time spent in floods, 0-1
    chattering: tuple[AlarmSource, ...]
    stale: tuple[AlarmSource, ...]
    by_severity: dict[str, int]
    severity_share: dict[str, float]  # 0-1; the practice aims at about 5/15/80 from high to low
    by_rule: dict[str, int]
    by_area: dict[str, int]  # "" = no area
    by_hour: dict[str, int]  # local hour of the day, "00" to "23"
    by_day: dict[str, int]  # local date
    busiest: tuple[AlarmSource, ...]


def alarms_of(findings: Iterable[Finding]) -> list[Alarm]:
    """Return the alarms in the order they were raised, each with the moment it cleared."""
    standing: dict[AlertKey, int] = {}
    alarms: list[Alarm] = []
    for finding in findings:
        key = AlertKey(finding.rule, finding.subject, finding.key)
        if finding.event == "raised":
            standing[key] = len(alarms)
            alarms.append(Alarm(key=key, severity=finding.severity, at=finding.at))
        elif finding.event == "cleared" and key in standing:
            place = standing.pop(key)
            alarms[place] = msgspec.structs.replace(alarms[place], cleared_at=finding.at)
    return alarms


def measure(
    alarms: Sequence[Alarm],
    *,
    begin: datetime,
    end: datetime,
    timezone: str,
    seats: int = 1,
    area_of: Callable[[str], str | None] = lambda subject: None,
) -> AlarmLoad:
    """Return the load of these alarms, in the order raised, between `begin` and `end`.

    `area_of` names the area of a subject; hours and dates are those of `timezone`.
    """
    days = max((end - begin) / timedelta(days=1), 1.0)
    rate = len(alarms) / seats / days
    peak, peak_at = peak_of([alarm.at for alarm in alarms])
    floods = floods_of([alarm.at for alarm in alarms], seats, end)
    severities = Counter(alarm.severity.value for alarm in alarms)
    local = [alarm.at.astimezone(ZoneInfo(timezone)) for alarm in alarms]
    return AlarmLoad(
        begin=begin,
        end=end,
        seats=seats,
        days=round(days, 3),
        alarms=len(alarms),
        per_seat_per_day=round(rate, 2),
        rating=rating_of(rate),
        peak_10_minutes=round(peak / seats, 2),
        peak_at=peak_at,
        floods=floods,
        flood_share=round(_share_of_time(floods, begin, end), 4),
        chattering=chattering_of(alarms),
        stale=stale_of(alarms, end),
        by_severity={name.value: severities[name.value] for name in Severity},
        severity_share={
            name.value: round(severities[name.value] / max(len(alarms), 1), 4) for name in Severity
        },
        by_rule=_sorted_counts(alarm.key.rule for alarm in alarms),
        by_area=_sorted_counts(area_of(alarm.key.subject) or "" for alarm in alarms),
        by_hour=_sorted_counts(f"{moment:%H}" for moment in local),
        by_day=_sorted_counts(moment.date().isoformat() for moment in local),
        busiest=busiest_of(alarms),
    )


def rating_of(per_seat_per_day: float) -> Rating:
    """Return EEMUA 191's word for a load: up to 150 a seat and day, below 300, or too much."""
    if per_seat_per_day <= MANAGEABLE_A_DAY:
        return "manageable"
    return "demanding" if per_seat_per_day < UNBEARABLE_A_DAY else "overloaded"


def peak_of(moments: Iterable[datetime]) -> tuple[int, datetime | None]:
    """Return the most alarms in any 10 minutes, and the moment of the last of them."""
    window: deque[datetime] = deque()
    peak, peak_at = 0, None
    for moment in moments:
        window.append(moment)
        while moment - window[0] >= FLOOD_WINDOW:
            window.popleft()
        if len(window) > peak:
            peak, peak_at = len(window), moment
    return peak, peak_at


def floods_of(moments: Sequence[datetime], seats: int, until: datetime) -> tuple[Flood, ...]:
    """Return the floods among alarms in order; one still running is cut off at `until`."""
    window: deque[datetime] = deque()
    floods: list[Flood] = []
    began: datetime | None = None
    counted = 0
    for moment in (*moments, None):
        while window and (moment is None or moment - window[0] >= FLOOD_WINDOW):
            left_at = window.popleft() + FLOOD_WINDOW
            if began is not None and len(window) < FLOOD_ENDS_BELOW * seats:
                floods.append(
                    Flood(begin=began, end=max(began, min(left_at, until)), alarms=counted)
                )
                began = None
        if moment is None:
            break
        window.append(moment)
        counted += 1
        if began is None and len(window) > FLOOD_BEGINS_ABOVE * seats:
            began, counted = moment, len(window)
    return tuple(floods)


def chattering_of(alarms: Iterable[Alarm]) -> tuple[AlarmSource, ...]:
    """Return who raised the same alarm 3 times or more within a minute, the worst first."""
    worst: dict[AlertKey, int] = {}
    windows: dict[AlertKey, deque[datetime]] = {}
    for alarm in alarms:
        window = windows.setdefault(alarm.key, deque())
        window.append(alarm.at)
        while alarm.at - window[0] >= CHATTER_WINDOW:
            window.popleft()
        if len(window) >= CHATTER_COUNT:
            worst[alarm.key] = max(worst.get(alarm.key, 0), len(window))
    found = (_source(key, alarms=count) for key, count in worst.items())
    return tuple(sorted(found, key=lambda source: (-source.alarms, source.rule, source.subject)))


def stale_of(alarms: Iterable[Alarm], end: datetime) -> tuple[AlarmSource, ...]:
    """Return the alarms that stood for more than 24 hours, the oldest first.

    Only evidence clears here: what people would have closed by hand is not in a recording.
    """
    stood = ((alarm, (alarm.cleared_at or end) - alarm.at) for alarm in alarms)
    return tuple(
        _source(alarm.key, hours=round(length / timedelta(hours=1), 1))
        for alarm, length in stood
        if length > STALE_AFTER
    )


def busiest_of(alarms: Iterable[Alarm]) -> tuple[AlarmSource, ...]:
    """Return the ten rules-about-a-subject that raised most: where to mend first."""
    order = sorted((alarm.key.rule, alarm.key.subject) for alarm in alarms)
    counts = [(len(list(group)), source) for source, group in groupby(order)]
    most = sorted(counts, key=lambda entry: (-entry[0], entry[1]))[:SOURCES_NAMED]
    return tuple(AlarmSource(rule=rule, subject=subject, alarms=n) for n, (rule, subject) in most)


def _source(key: AlertKey, *, alarms: int = 0, hours: float = 0.0) -> AlarmSource:
    return AlarmSource(rule=key.rule, subject=key.subject, key=key.key, alarms=alarms, hours=hours)


def _sorted_counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _share_of_time(floods: Iterable[Flood], begin: datetime, end: datetime) -> float:
    flooded = sum((flood.end - flood.begin for flood in floods), timedelta())
    return flooded / (end - begin) if end > begin else 0.0
