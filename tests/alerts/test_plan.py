"""Which visits fall on which day, in any calendar and zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from story import Story, client, moment, visit

from alerts.town.town import Town
from alerts.types import PlannedVisit, PlanSet
from alerts.visits.calendar import laid_out, planned_on, taken_up
from core.errors import CarewatchError
from devices.directory import Directory

SHANGHAI, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")


def plan(
    start: str = "2026-11-02T09:00",
    end: str = "2026-11-02T11:00",
    zone: ZoneInfo = SHANGHAI,
    **more: object,
) -> PlannedVisit:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (start, end))
    return PlannedVisit(id="v-1", client="c-1", start=first, end=last, minutes=60, **more)  # type: ignore[arg-type]


def dates(series: PlannedVisit, first: date, days: int, zone: ZoneInfo = SHANGHAI) -> list[str]:
    found = [date.fromordinal(first.toordinal() + n) for n in range(days)]
    return [visit.id.partition("@")[2] for visit in laid_out([series], found, zone)]


def test_a_single_visit_is_on_its_day_only() -> None:
    assert dates(plan(), date(2026, 10, 30), 10) == ["2026-11-02"]
    visit = planned_on(plan(), date(2026, 11, 2), SHANGHAI)
    assert visit is not None
    assert visit.start == datetime(2026, 11, 2, 1, tzinfo=UTC)
    assert (visit.id, visit.minutes) == ("v-1@2026-11-02", 60)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;COUNT=3", ["02", "03", "04"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,TH", ["02", "05", "09", "12"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", ["02"]),
        ("FREQ=DAILY;INTERVAL=5", ["02", "07", "12"]),
        ("FREQ=DAILY;UNTIL=20261104T010000Z", ["02", "03", "04"]),  # 09:00 in Shanghai
        ("FREQ=DAILY;UNTIL=20261104T005959Z", ["02", "03"]),
        ("FREQ=DAILY;UNTIL=20261104", ["02", "03", "04"]),  # a date includes its day
        ("FREQ=WEEKLY;UNTIL=20261109;BYDAY=MO", ["02", "09"]),
        ("freq=daily;until=20261103", ["02", "03"]),
        ("FREQ=DAILY;UNTIL=20261104T085959", ["02", "03"]),
        ("FREQ=MONTHLY;BYMONTHDAY=15", ["15"]),
    ],
)
def test_series(rule: str, expected: list[str]) -> None:
    found = dates(plan(rrule=rule), date(2026, 11, 1), 15)
    assert found == [f"2026-11-{day}" for day in expected]


def test_a_series_begun_years_ago_keeps_its_step() -> None:
    series = plan("2020-01-06T09:00", "2020-01-06T10:00", rrule="FREQ=WEEKLY;INTERVAL=2")
    found = dates(series, date(2026, 10, 25), 30)
    assert [(date.fromisoformat(day) - date(2020, 1, 6)).days % 14 for day in found] == [0, 0]


def test_a_working_saturday_comes_in_and_the_holiday_it_pays_for_falls_out() -> None:
    series = plan(
        "2026-09-28T09:00",
        "2026-09-28T10:00",
        rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        except_dates=("2026-10-01", "2026-10-02"),
        extra_dates=("2026-10-10",),
    )
    found = dates(series, date(2026, 9, 28), 13)
    assert "2026-10-01" not in found
    assert found[-1] == "2026-10-10"


def test_a_window_across_midnight_is_named_after_the_evening() -> None:
    series = plan("2026-11-02T22:00", "2026-11-03T02:00", rrule="FREQ=DAILY")
    visit = planned_on(series, date(2026, 11, 4), SHANGHAI)
    assert visit is not None
    assert visit.id == "v-1@2026-11-04"
    assert visit.end == datetime(2026, 11, 4, 18, tzinfo=UTC)


def test_nine_o_clock_stays_nine_o_clock_across_a_clock_change() -> None:
    series = plan("2026-10-24T09:00", "2026-10-24T10:00", LONDON, rrule="FREQ=DAILY")
    before, after = (planned_on(series, date(2026, 10, day), LONDON) for day in (24, 25))
    assert before is not None
    assert after is not None
    assert (before.start.hour, after.start.hour) == (8, 9)


@pytest.mark.parametrize(
    ("hindsight", "expected"),
    [
        (True, ["v-1@02", "v-n@01", "v-n@02", "v-n@03"]),  # last night's still runs
        (False, ["v-n@01", "v-n@02", "v-n@03"]),  # and what is over is left alone
    ],
)
def test_what_is_taken_up_when_plans_are_learnt(hindsight: bool, expected: list[str]) -> None:
    nightly = replace(plan("2026-10-01T22:00", "2026-10-02T13:00", rrule="FREQ=DAILY"), id="v-n")
    long_over = replace(plan("2026-10-29T09:00", "2026-10-29T11:00"), id="v-o")
    town = Town(Directory(), PlanSet(), "Asia/Shanghai")
    town.now, town.hindsight = datetime(2026, 11, 2, 12, tzinfo=SHANGHAI), hindsight
    found = taken_up([plan(), nightly, long_over], date(2026, 11, 3), town)
    assert [visit.id.replace("2026-11-", "") for visit in found] == expected


def test_a_rule_that_cannot_be_read_is_named() -> None:
    with pytest.raises(CarewatchError, match="FREQ=SOMETIMES"):
        dates(plan(rrule="FREQ=SOMETIMES"), date(2026, 11, 2), 1)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_plan_changed_at_midnight_does_not_lose_the_day_behind_it(fresh: bool) -> None:
    daily = visit("v-1", rrule="FREQ=DAILY")
    told = Story(client("c-1"), daily, only=("visit_missed",)).at("+1 23:59")
    told.now = moment("+2 00:00")  # a stimulus of this moment comes before its timers
    told.change(visit("v-2" if fresh else "v-1", "14:00", "16:00", rrule="FREQ=DAILY"))
    told.at("+3 23:59")
    assert {"v-1@2026-11-04", "v-1@2026-11-05"} <= told.records.keys()
