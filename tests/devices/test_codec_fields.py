"""How single fields are read: times, numbers, batteries, coordinates."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codecs.fields import (
    accuracy,
    at_least_zero,
    coordinate,
    is_placeholder,
    likeness,
    moment,
    number,
    percent,
    share_as_percent,
    text,
)
from devices.codecs.times import EARLIEST, LATEST, from_unix, read_time
from devices.readings import Reason, Rejection

NINE = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
LOCAL = datetime(2026, 11, 2, 9, 0)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (1793581200, NINE),
        (1793581200.0, NINE),
        ("1793581200", NINE),
        (" 1793581200 ", NINE),
        (1793581200000, NINE),
        ("1793581200000", NINE),
        (1793581200000000, NINE),
        (1793581200000000000, NINE),
        (1793581200.25, NINE.replace(microsecond=250000)),
        ("2026-11-02T01:00:00Z", NINE),
        ("2026-11-02T09:00:00+08:00", NINE),
        ("2026-11-02T09:00:00+0800", NINE),
        ("2026-11-02T09:00:00+08", NINE),
        ("2026-11-02 01:00:00 UTC", NINE),
        ("2026-11-02T01:00:00.123456789Z", NINE.replace(microsecond=123456)),
        ("2026-11-01T20:00:00-05:00", NINE),
        ("2026-11-02 09:00:00", LOCAL),
        ("2026-11-02T09:00:00", LOCAL),
        ("2026/11/02 09:00:00", LOCAL),
        ("2026-11-02 09:00", LOCAL),
        (0, EARLIEST),
        (1e30, LATEST),
        (-1e30, EARLIEST),
        ("9999-12-31T23:59:59-08:00", LATEST),
        ("02-09-2026", None),
        ("2026-13-02T01:00:00Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        ({}, None),
        ([1], None),
    ],
)
def test_times(written: object, read: datetime | None) -> None:
    found = read_time(written)
    assert found == read
    assert (found is None) or (found.tzinfo is None) == (read is LOCAL)


@given(st.integers() | st.floats() | st.text() | st.none())
def test_any_written_time_is_read_or_not(written: object) -> None:
    if isinstance(written, float) and written != written:
        return
    assert read_time(written) is None or isinstance(read_time(written), datetime)


@given(st.floats(allow_nan=False))
def test_any_unix_time_is_a_moment(seconds: float) -> None:
    assert from_unix(seconds).tzinfo is UTC


def test_a_missing_time_is_none_and_an_unreadable_one_is_named() -> None:
    assert moment(None, "tst") is None
    assert moment("", "tst") is None
    fault = moment("soon", "tst")
    assert isinstance(fault, Rejection)
    assert fault.reason is Reason.BAD_VALUE
    assert "tst" in fault.detail


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (88, 88.0),
        (59.5, 59.5),
        ("100.00", 100.0),
        ("88%", 88.0),
        (0, 0.0),
        (None, None),
        (-1, None),
        (255, None),
        ("", None),
        ("low", None),
        (True, None),
    ],
)
def test_batteries_in_percent(written: object, read: float | None) -> None:
    assert percent(written) == read


@pytest.mark.parametrize(
    ("written", "read"), [(0.89, 89.0), (1, 100.0), (0, 0.0), (-1, None), (1.2, None), (None, None)]
)
def test_batteries_as_a_share(written: object, read: float | None) -> None:
    assert share_as_percent(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("83.000000", 0.83),
        (0.92, 0.92),
        (100, 1.0),
        ("94.1", 0.941),
        (1, 1.0),
        (-3, None),
        (101, None),
    ],
)
def test_scores(written: object, read: float | None) -> None:
    assert likeness(written) == read


@pytest.mark.parametrize(
    "written", ["NaN", "inf", "-Infinity", float("nan"), 10**400, True, [], {}]
)
def test_what_is_no_number(written: object) -> None:
    assert number(written) is None


def test_unknown_measures_are_none() -> None:
    assert accuracy(0) is None
    assert accuracy(-1) is None
    assert accuracy("12.5") == 12.5
    assert at_least_zero(-1) is None
    assert at_least_zero(36, 1 / 3.6) == pytest.approx(10)
    assert text(" 22 ") == "22"
    assert text(22) == "22"
    assert text(" ") is None
    assert text(True) is None


@pytest.mark.parametrize(
    ("written", "reason"),
    [(None, "missing_field"), ("", "missing_field"), ("%LAT", "bad_value"), (True, "bad_value")],
)
def test_coordinates_that_are_none(written: object, reason: str) -> None:
    fault = coordinate(written, "lat")
    assert isinstance(fault, Rejection)
    assert fault.reason == reason


def test_a_template_that_nobody_filled_in() -> None:
    assert all(map(is_placeholder, ("<user>", "{device id}", "%LAT")))
    assert not any(map(is_placeholder, ("user", "a<b", "50%", "%5BÉ")))
