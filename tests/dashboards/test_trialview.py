"""What a trial's form asks for, and the figures that its page sets beside each other."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from small_town import NOW, directory

from alerts.figures.alarm_load import Alarm, measure
from alerts.trials import SettingsChange, Summary, TownPart
from alerts.types import AlertKey, Severity
from core.errors import CarewatchError
from dashboards.views.trial import change_of, rows, seats_of, span_of

DAYS = {"since": "2026-10-30", "until": "2026-11-01"}


def test_only_what_was_written_is_changed() -> None:
    form = {
        "p.minutes.phone": " 20 ",
        "p.minutes.door": "",
        "p.hold_minutes": "null",
        "area": "wangji",
        "care_level": "",
        "note": "x",
    }
    assert change_of("device_silent", form, directory()) == SettingsChange(
        rule="device_silent",
        parameters={"minutes": {"phone": 20}, "hold_minutes": None},
        part=TownPart(area="wangji"),
    )


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"area": "nowhere"}, "no area 'nowhere'"),
        ({"agency": "a-9"}, "no agency 'a-9'"),
        ({"care_level": "much"}, "'much' is none of independent, partial, full"),
        ({"subject": "client:c-9"}, "write it like client:c-1"),
        ({"subject": "c-1"}, "write it like client:c-1"),
    ],
)
def test_settings_for_nobody_are_refused(form: Mapping[str, str], said: str) -> None:
    with pytest.raises(CarewatchError, match=said):
        change_of("no_activity", form, directory())


def test_days_are_the_towns_and_end_by_now() -> None:
    since, until = span_of(DAYS, "Asia/Shanghai", NOW)
    assert since == datetime(2026, 10, 29, 16, tzinfo=UTC)
    assert until == datetime(2026, 11, 1, 16, tzinfo=UTC)
    assert span_of(DAYS | {"until": "2026-11-02"}, "Asia/Shanghai", NOW)[1] == NOW


@pytest.mark.parametrize(
    "days",
    [
        {"until": "2026-10-29"},
        {"since": "2026-11-03", "until": "2026-11-03"},
        {"since": "2026-09-01"},
        {"since": ""},
        {"since": "0001-01-01"},
    ],
)
def test_days_that_can_not_be_tried_are_refused(days: Mapping[str, str]) -> None:
    with pytest.raises(CarewatchError, match=r"^trial: "):
        span_of(DAYS | dict(days), "Asia/Shanghai", NOW)


def test_seats_are_a_number() -> None:
    assert seats_of({"seats": "2"}) == 2
    for text in ("0", "-1", "two", "1001", "²"):
        with pytest.raises(CarewatchError, match="seats"):
            seats_of({"seats": text})


def test_the_load_as_it_was_beside_what_it_would_have_been() -> None:
    def load(*rules: str) -> object:
        key = [AlertKey(rule, "client:c-1") for rule in rules]
        alarms = [Alarm(key=one, severity=Severity.HIGH, at=NOW) for one in key]
        day = NOW - timedelta(days=1)
        return measure(alarms, begin=day, end=NOW, timezone="UTC")

    summary = Summary(
        settings={},
        findings={},
        alarm_load=load("no_activity", "no_activity", "visit_late"),  # type: ignore[arg-type]
        live=(),
        live_load=load("visit_late"),  # type: ignore[arg-type]
    )
    shown = {row.figure: (row.was, row.would, row.change) for row in rows(summary, ["no_activity"])}
    assert shown["per_seat_per_day"] == (1, 3, 2)
    assert shown["of_these_rules"] == (0, 2, 2)
    assert shown["floods"] == (0, 0, 0)
