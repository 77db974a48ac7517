"""The plots of a backtest's page."""

from datetime import UTC, datetime, timedelta

from alerts.trials.report_page import changes_of, over_time, plot

MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)


def test_a_week_is_labelled_at_its_midnights() -> None:
    begin = MIDNIGHT + timedelta(hours=7)
    found = over_time([begin, begin], begin, begin + timedelta(days=7))
    assert len(found.bars) == 169  # hours, from the first to the last
    assert (found.top, found.bars[0].value) == (2, 2)
    assert [label.text[5:] for label in found.labels] == [
        "11-03 00:00",
        "11-05 00:00",
        "11-07 00:00",
        "11-09 00:00",
    ]


def test_a_morning_is_labelled_at_even_times() -> None:
    begin = MIDNIGHT + timedelta(hours=7, minutes=3)
    found = over_time([], begin, begin + timedelta(hours=9))
    assert found.bars[0].label == "2026-11-02 07:00"
    assert found.top == 1
    assert [label.text[11:] for label in found.labels] == ["09:00", "12:00", "15:00"]


def test_a_month_has_a_bar_for_each_stretch_and_no_more_than_fit() -> None:
    found = over_time([], MIDNIGHT, MIDNIGHT + timedelta(days=365))
    assert len(found.bars) == 366


def test_no_time_is_one_bar_and_nothing_is_none() -> None:
    assert len(over_time([MIDNIGHT], MIDNIGHT, MIDNIGHT).bars) == 1
    assert plot({}).bars == ()


def test_what_was_on_trial_is_named_line_by_line() -> None:
    assert list(changes_of({"version": 1, "changes": ["a -> b"]})) == ["a -> b"]
    assert list(changes_of({"no_activity": {"hours": 12}})) == ['no_activity: {"hours":12}']
