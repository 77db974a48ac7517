"""What would have been raised beside what was."""

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.trials.difference import differences
from alerts.types import Finding, FindingEvent, Severity

NINE = datetime(2026, 11, 2, 1, tzinfo=UTC)


def raised(minute: float = 0, event: FindingEvent = "raised", **more: Any) -> Finding:
    values = {
        "rule": "visit_missed",
        "subject": "client:c-1",
        "severity": Severity.HIGH,
        "reason": "caregiver_silent",
        "detail": "not seen",
        "settings": {"grace_minutes": 60},
        **more,
    }
    return Finding(at=NINE + timedelta(minutes=minute), event=event, **values)


def told(live: list[Finding], tried: list[Finding]) -> list[tuple[str, str]]:
    return [(one.side, one.why) for one in differences(live, tried)]


def test_the_same_is_no_difference() -> None:
    assert told([raised(), raised(9)], [raised(), raised(9)]) == []


def test_only_what_is_raised_counts() -> None:
    assert told([raised(), raised(1, "cleared")], [raised(), raised(2, "revised")]) == []


def test_earlier_with_other_settings() -> None:
    ((side, why),) = told([raised(30)], [raised(settings={"grace_minutes": 30})])
    assert side == "otherwise"
    assert (
        why
        == '30.0 min earlier than live; with {"grace_minutes":30} instead of {"grace_minutes":60}'
    )


def test_another_reason_severity_or_version() -> None:
    ((_, why),) = told(
        [raised()],
        [raised(reason="caregiver_elsewhere", severity=Severity.MEDIUM, rule_version=2)],
    )
    assert why.split("; ") == [
        "reason caregiver_elsewhere instead of caregiver_silent",
        "severity medium instead of high",
        "version 2 instead of 1",
    ]


def test_alarms_of_one_side_alone() -> None:
    found = told([raised(), raised(5, key="other")], [raised(), raised(9)])
    assert [side for side, _ in found] == ["only_live", "only_tried"]
    assert found[0][1].startswith('raised live: version 1 with {"grace_minutes":60}')
    assert found[1][1].startswith('not raised live; with {"grace_minutes":60}')
