"""Who is on call: turns, swaps, gaps, and the two odd nights of a year."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.plans.roster import is_within
from alerts.plans.rota import gaps, on_call, shifts
from alerts.types import Rota, RotaSwap

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
DAILY = Rota(id="r", people=("a", "b", "c"), start="2026-11-02")
WEEKLY = Rota(id="w", people=("a", "b"), rotation="weekly", start="2026-11-02", handover="09:30")


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "person"),
    [
        ("2026-11-02 07:59:59", None),
        ("2026-11-02 08:00", "a"),
        ("2026-11-03 07:59:59", "a"),
        ("2026-11-03 08:00", "b"),
        ("2026-11-05 00:00", "c"),
        ("2026-11-05 08:00", "a"),
    ],
)
def test_a_daily_turn_ends_at_the_handover(moment: str, person: str | None) -> None:
    assert on_call(DAILY, local(moment), SHANGHAI) == person


def test_a_weekly_turn_lasts_seven_days() -> None:
    moments = ("2026-11-02 09:30", "2026-11-09 09:29", "2026-11-09 09:30", "2026-11-16 09:30")
    assert [on_call(WEEKLY, local(m), SHANGHAI) for m in moments] == ["a", "a", "b", "a"]


def test_a_swap_goes_before_the_turn_and_the_later_swap_before_the_earlier() -> None:
    first = RotaSwap(from_=local("2026-11-02 20:00"), until=local("2026-11-03 02:00"), person="x")
    second = RotaSwap(from_=local("2026-11-03 00:00"), until=local("2026-11-03 01:00"), person="y")
    rota = Rota(id="r", people=("a",), start="2026-11-01", swaps=(first, second))
    moments = ("2026-11-02 19:59", "2026-11-02 20:00", "2026-11-03 00:30", "2026-11-03 02:00")
    assert [on_call(rota, local(m), SHANGHAI) for m in moments] == ["a", "x", "y", "a"]


def test_an_empty_rota_has_nobody() -> None:
    assert on_call(Rota(id="r"), local("2026-11-02 12:00"), SHANGHAI) is None


def test_gaps_are_shown_before_they_happen() -> None:
    found = gaps(DAILY, local("2026-11-01 00:00"), local("2026-11-09 00:00"), SHANGHAI)
    assert [(gap.since, gap.until) for gap in found] == [
        (local("2026-11-01 00:00"), local("2026-11-02 08:00"))
    ]


def test_the_hour_that_comes_twice_has_one_handover() -> None:
    rota = Rota(id="r", people=("a", "b"), start="2026-10-24", handover="02:30")
    since, until = local("2026-10-24 12:00", BERLIN), local("2026-10-26 12:00", BERLIN)
    assert [shift.person for shift in shifts(rota, since, until, BERLIN)] == ["a", "b", "a"]


def test_the_hour_that_is_left_out_has_its_handover() -> None:
    rota = Rota(id="r", people=("a", "b"), start="2026-03-28", handover="02:30")
    since, until = local("2026-03-28 12:00", BERLIN), local("2026-03-30 12:00", BERLIN)
    found = list(shifts(rota, since, until, BERLIN))
    assert [shift.person for shift in found] == ["a", "b", "a"]
    assert found[1].until - found[1].since == timedelta(hours=23)  # a short turn, but one


@given(
    st.integers(0, 730 * 24 * 60),
    st.integers(1, 400),
    st.sampled_from(["00:00", "02:30", "08:00", "23:59"]),
    st.sampled_from(["daily", "weekly"]),
    st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("America/Sao_Paulo")]),
)
def test_shifts_have_no_holes_and_agree_with_the_moment(
    minutes: int, hours: int, handover: str, rotation: str, zone: ZoneInfo
) -> None:
    rota = Rota(
        id="r",
        people=("a", "b", "c"),
        start="2026-06-01",
        handover=handover,
        rotation=rotation,  # type: ignore[arg-type]
    )
    since = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    until = since + timedelta(hours=hours)
    found = list(shifts(rota, since, until, zone))
    assert (found[0].since, found[-1].until) == (since, until)
    assert all(a.until == b.since and a.person != b.person for a, b in pairwise(found))
    for shift in found:
        middle = shift.since + (shift.until - shift.since) / 2
        assert on_call(rota, middle, zone) == shift.person


@pytest.mark.parametrize(
    ("hours", "moment", "expected"),
    [
        (None, "03:00", True),
        ("08:00-20:00", "08:00", True),
        ("08:00-20:00", "20:00", False),
        ("20:00-08:00", "23:00", True),
        ("20:00-08:00", "07:59", True),
        ("20:00-08:00", "12:00", False),
        ("00:00-24:00", "23:59", True),
    ],
)
def test_hours_of_a_contact(hours: str | None, moment: str, expected: bool) -> None:
    assert is_within(hours, local(f"2026-11-02 {moment}"), SHANGHAI) is expected
