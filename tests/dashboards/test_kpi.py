"""The key figures by their definitions."""

from datetime import timedelta

import pytest
from small_town import NOW, ago, alert, directory, position, visit

from alerts.types import Evidence, Severity
from dashboards.live import kpi
from dashboards.live.board import (
    AlertsChanged,
    Board,
    Counted,
    Health,
    ReadingsHeard,
    Second,
    VisitsChanged,
    fold,
    narrowed,
)
from dashboards.live.patch import FloodCause, Share, Timing
from dashboards.live.traffic import Traffic
from dashboards.scope import Scope
from ingest.history import MessageCount


def test_unacknowledged_leaves_out_the_answered_the_muted_and_the_ended() -> None:
    found = kpi.unacknowledged(
        [
            alert("1", raised_at=ago(minutes=3)),
            alert("2", severity=Severity.HIGH, raised_at=ago(minutes=9)),
            alert("3", state="acknowledged", acked_at=NOW),
            alert("4", muted="maintenance", raised_at=ago(hours=2)),
            alert("5", state="cleared", cleared_at=NOW),
        ]
    )
    assert (found.count, found.life, found.high) == (2, 1, 1)
    assert found.oldest == ago(minutes=9)


def test_time_to_ack_counts_those_still_waiting_with_their_age_so_far() -> None:
    quick = [
        alert(str(n), raised_at=ago(minutes=30), acked_at=ago(minutes=30) + timedelta(seconds=20))
        for n in range(4)
    ]
    waiting = alert("w", raised_at=ago(minutes=10))
    assert kpi.time_to_ack([*quick, waiting], NOW) == Timing(600.0, 5)


def test_time_to_ack_says_nothing_below_five_cases_and_looks_back_one_hour() -> None:
    few = [alert(str(n), acked_at=NOW) for n in range(4)]
    old = alert("old", raised_at=ago(minutes=61))
    low = alert("low", severity=Severity.MEDIUM)
    assert kpi.time_to_ack([*few, old, low], NOW) == Timing(None, 4)


def test_time_to_arrive_is_the_median_of_life_alarms_somebody_went_to() -> None:
    went = [
        alert(str(n), raised_at=ago(hours=1), arrived_at=ago(hours=1) + timedelta(minutes=minutes))
        for n, minutes in enumerate((5, 7, 30))
    ]
    assert kpi.time_to_arrive([*went, alert("no")], NOW) == Timing(420.0, 3)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 95, None),
        ([4.0], 95, 4.0),
        ([1.0, 2.0], 50, 1.0),
        ([float(n) for n in range(1, 101)], 95, 95.0),
    ],
)
def test_percentile_is_by_nearest_rank(
    values: list[float], share: int, expected: float | None
) -> None:
    assert kpi.percentile(values, share) == expected


def test_visits_done_are_set_against_those_planned_to_have_begun() -> None:
    visits = [
        visit("1", state="done"),
        visit("2", state="missed"),
        visit("3", start=NOW + timedelta(hours=1)),
        visit("4", state="cancelled"),
    ]
    assert kpi.visits_done(visits, NOW) == Share(1, 2)


def test_late_is_not_begun_a_quarter_of_an_hour_after_the_plan() -> None:
    assert kpi.is_late(visit(start=ago(minutes=16)), NOW)
    assert not kpi.is_late(visit(start=ago(minutes=15)), NOW)
    assert not kpi.is_late(visit(start=ago(minutes=40), state="begun", began=ago(minutes=5)), NOW)
    assert not kpi.is_late(visit(start=ago(hours=5), state="missed"), NOW)


def test_figures_of_a_board() -> None:
    board = Board(at=NOW, directory=directory())
    for change in (
        VisitsChanged((visit(), visit("v-2", caregiver="g-2", client="c-3"))),
        ReadingsHeard(ago(seconds=3), (position(at=ago(seconds=5)),)),
        AlertsChanged((alert(), alert("al-2", rule="no_activity", severity=Severity.HIGH))),
        Second(NOW, Health()),
    ):
        board = fold(board, change)
    found = kpi.figures(board)
    assert found.caregivers == Share(1, 2)
    assert found.rates[-3] == 1
    assert (found.load.raised_10m, found.load.raised_1h, found.load.flood) == (2, 2, False)
    worst = found.worst[0]
    assert (worst.name, worst.open, worst.late, worst.free) == ("王集", 2, 1, 1)


def test_a_flood_is_more_than_ten_a_seat_in_ten_minutes_and_says_of_what() -> None:
    eleven = [alert(f"al-{n}", rule="device_silent") for n in range(10)] + [alert("al-10")]
    muted = alert("al-11", muted="m-1")
    load = kpi.alarm_load([*eleven, muted], NOW, 1, directory())
    assert (load.raised_10m, load.flood) == (11, True)
    assert load.causes == (
        FloodCause("device_silent", "area:wangji", "王集", 10),
        FloodCause(alert().rule, "", "", 1),
    )
    quiet = kpi.alarm_load(eleven, NOW, 2, directory())
    assert (quiet.flood, quiet.causes) == (False, ())
    assert not kpi.alarm_load(eleven, NOW + timedelta(minutes=30), 1, directory()).flood


def test_messages_are_counted_for_the_whole_town_alone() -> None:
    lately = (
        MessageCount("owntracks", received=10, stored=9, rejected=1),
        MessageCount("contract", received=90, stored=88, rejected=1, ignored=1),
    )
    day = (MessageCount("contract", received=90, stored=88), MessageCount("face_mqtt", 5, 4, 1))
    whole = fold(Board(at=NOW, directory=directory()), Counted(lately, day, 7))
    found = kpi.figures(whole)
    assert found.rejected == Share(2, 100)
    assert found.rejecting == (("owntracks", Share(1, 10)),)
    assert found.unsettled == {"contract": 2}
    assert found.dropped == 7
    far = kpi.figures(narrowed(whole, Scope(areas=("wangji",))))
    assert (far.rejected, far.unsettled, far.dropped) == (Share(), {}, 0)


def test_lag_leaves_out_and_counts_devices_whose_clock_is_wrong() -> None:
    fixes = [position(at=NOW) for _ in range(99)]
    late = position(at=ago(seconds=30))
    late = type(late)(
        **{f: getattr(late, f) for f in late.__struct_fields__} | {"received_at": NOW}
    )
    wrong = type(late)(
        **{f: getattr(late, f) for f in late.__struct_fields__} | {"clock": "quarantined"}
    )
    traffic = Traffic().with_readings(NOW, [*fixes, *([late] * 10), wrong])
    assert traffic.lag_p95() == Timing(30.0, 109)
    assert traffic.skewed == 1
    assert traffic.at_second(NOW + timedelta(seconds=61)).buckets == ()


def test_false_alarms_are_counted_by_the_model_of_the_device() -> None:
    pressed = (Evidence(what="sos", device="btn-c1"),)
    ended = [
        alert("1", state="resolved", outcome="false_alarm", evidence=pressed),
        alert("2", state="resolved", outcome="helped", evidence=pressed),
        alert("3", state="resolved", outcome="helped", evidence=()),
        alert("4", evidence=pressed),
    ]
    assert kpi.false_alarms(ended, directory()) == [("sos", Share(1, 2)), ("", Share(0, 1))]
