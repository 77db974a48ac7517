"""The alarm load figures, as tables: alarms in, what an operator met out."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.figures.alarm_load import (
    alarms_of,
    chattering_of,
    floods_of,
    measure,
    peak_of,
    rating_of,
    stale_of,
)
from alerts.types import Finding, Severity

NINE = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai


def after(**length: float) -> datetime:
    return NINE + timedelta(**length)


def finding(at: datetime, event: str = "raised", **kw: object) -> Finding:
    values = {"rule": "no_activity", "subject": "client:c-1", "severity": Severity.HIGH} | kw
    return Finding(at=at, event=event, reason="x", detail="x", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("a_day", "word"),
    [(0, "manageable"), (150, "manageable"), (151, "demanding"), (299, "demanding"),
     (300, "overloaded"), (5000, "overloaded")],
)  # fmt: skip
def test_the_load_gets_its_word(a_day: float, word: str) -> None:
    assert rating_of(a_day) == word


def test_only_a_raised_finding_is_an_alarm_and_it_ends_where_it_clears() -> None:
    story = [
        finding(after(minutes=0)),
        finding(after(minutes=1), "joined"),
        finding(after(minutes=2), "revised"),
        finding(after(minutes=3), "cleared"),
        finding(after(minutes=4)),
        finding(after(minutes=5), "cleared", subject="client:another"),
    ]
    first, second = alarms_of(story)
    assert (first.at, first.cleared_at) == (after(minutes=0), after(minutes=3))
    assert (second.at, second.cleared_at) == (after(minutes=4), None)


@pytest.mark.parametrize(
    ("minutes", "peak", "at"),
    [
        ([], 0, None),
        ([0], 1, 0),
        ([0, 10], 1, 0),  # ten minutes apart is not within ten minutes
        ([0, 9.99], 2, 9.99),
        ([0, 5, 9, 14, 18, 18.5], 4, 18.5),
    ],
)
def test_the_peak_is_found_in_a_sliding_window(
    minutes: list[float], peak: int, at: float | None
) -> None:
    found = peak_of([after(minutes=m) for m in minutes])
    assert found == (peak, None if at is None else after(minutes=at))


def test_ten_in_ten_minutes_is_no_flood_and_eleven_is() -> None:
    ten = [after(seconds=s) for s in range(10)]
    assert floods_of(ten, 1, after(hours=5)) == ()
    (flood,) = floods_of([*ten, after(seconds=30)], 1, after(hours=5))
    assert flood.begin == after(seconds=30)
    # fewer than five are left once the seventh has become ten minutes old
    assert flood.end == after(seconds=6, minutes=10)
    assert flood.alarms == 11


def test_a_flood_that_goes_on_is_one_and_is_cut_at_the_end() -> None:
    every_30_s = [after(seconds=30 * n) for n in range(120)]
    (flood,) = floods_of(every_30_s, 1, after(minutes=60))
    assert (flood.begin, flood.end) == (after(minutes=5), after(minutes=60))
    assert flood.alarms == 120


def test_two_seats_bear_twice_as_much() -> None:
    fifteen = [after(seconds=s) for s in range(15)]
    assert len(floods_of(fifteen, 1, after(hours=1))) == 1
    assert floods_of(fifteen, 2, after(hours=1)) == ()


def test_three_within_a_minute_chatter() -> None:
    calm = [finding(after(seconds=s)) for s in (0, 30, 60, 90)]
    assert chattering_of(alarms_of(calm)) == ()
    nervous = [finding(after(seconds=s)) for s in (0, 20, 40, 55)]
    (source,) = chattering_of(alarms_of(nervous))
    assert (source.rule, source.subject, source.alarms) == ("no_activity", "client:c-1", 4)


def test_an_alarm_goes_stale_after_a_day() -> None:
    alarms = alarms_of([
        finding(NINE, subject="client:open"),
        finding(NINE, subject="client:a-day"),
        finding(NINE, subject="client:longer"),
        finding(after(hours=24), "cleared", subject="client:a-day"),
        finding(after(hours=25), "cleared", subject="client:longer"),
    ])  # fmt: skip
    assert [(s.subject, s.hours) for s in stale_of(alarms, after(hours=30))] == [
        ("client:open", 30.0),
        ("client:longer", 25.0),
    ]


def test_the_whole_sheet() -> None:
    story = [
        finding(after(hours=0)),
        finding(after(hours=1), severity=Severity.LOW, rule="battery_low", subject="device:d"),
        finding(after(hours=24), severity=Severity.LOW, rule="battery_low", subject="device:d"),
        finding(after(hours=25), severity=Severity.LIFE, rule="sos_pressed"),
    ]
    load = measure(
        alarms_of(story),
        begin=NINE,
        end=after(hours=48),
        timezone="Asia/Shanghai",
        area_of={"client:c-1": "wangji"}.get,
    )
    assert (load.alarms, load.days, load.per_seat_per_day) == (4, 2.0, 2.0)
    assert load.by_severity == {"life": 1, "high": 1, "medium": 0, "low": 2}
    assert load.severity_share["low"] == 0.5
    assert load.by_rule == {"battery_low": 2, "no_activity": 1, "sos_pressed": 1}
    assert load.by_area == {"": 2, "wangji": 2}
    assert load.by_hour == {"09": 2, "10": 2}
    assert load.by_day == {"2026-11-02": 2, "2026-11-03": 2}
    assert (load.busiest[0].rule, load.busiest[0].alarms) == ("battery_low", 2)


def test_one_alarm_in_an_hour_is_not_24_a_day() -> None:
    load = measure(
        alarms_of([finding(NINE)]), begin=NINE, end=after(hours=1), timezone="Asia/Shanghai"
    )
    assert (load.days, load.per_seat_per_day) == (1.0, 1.0)


def test_no_alarm_at_all_is_a_sheet_of_zeros() -> None:
    load = measure([], begin=NINE, end=NINE, timezone="Asia/Shanghai")
    assert (load.alarms, load.rating, load.peak_at, load.flood_share) == (0, "manageable", None, 0)
