"""Which pages leave together and which wait."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from ladder_story import NOON
from msgspec.structs import replace

from alerts.cases.lifecycle import open_alert
from alerts.figures.alarm_load import FLOOD_BEGINS_ABOVE as FLOOD
from alerts.paging.bundling import PER_MINUTE, Waiting, bundle
from alerts.types import Finding, Page, Severity


def waiting(
    number: int, area: str = "a", rule: str = "visit_missed", severity: Severity = Severity.HIGH
) -> Waiting:
    finding = Finding(
        at=NOON, rule=rule, subject=f"client:{number}", event="raised", severity=severity,
        reason="", detail="",
    )  # fmt: skip
    alert = open_alert(finding, cause=None, area=area, agency=None, ladder=None, now=NOON)
    page = Page(
        id=f"{alert.id}-1.0-u-1-0", alert=alert.id, person="u-1", contact=0, channel="webhook://x",
        rung=1, round=0, attempt=1, severity=severity, due_at=NOON + timedelta(seconds=number),
    )  # fmt: skip
    return Waiting(page, alert)


def ago(*seconds: float) -> list[datetime]:
    return [NOON - timedelta(seconds=second) for second in seconds]


def test_few_pages_leave_one_by_one() -> None:
    sending = bundle([waiting(1), waiting(2), waiting(3)], [], NOON)
    assert [len(message) for message in sending.messages] == [1, 1, 1]
    assert sending.held == ()


def test_many_leave_as_one_message_an_area() -> None:
    pages = [waiting(n, area="ab"[n % 2]) for n in range(500)]
    sending = bundle(pages, [], NOON)
    assert [len(message) for message in sending.messages] == [250, 250]


def test_the_gravest_goes_first() -> None:
    pages = [waiting(n, area=str(n), severity=Severity.LOW) for n in range(9)]
    pages.append(waiting(99, area="z", severity=Severity.HIGH))
    assert bundle(pages, [], NOON).messages[0][0].page.severity is Severity.HIGH


def test_over_the_limit_of_a_minute_the_rest_is_held() -> None:
    pages = [waiting(n, area=str(n)) for n in range(10)]
    sending = bundle(pages, [], NOON)
    assert (len(sending.messages), len(sending.held)) == (PER_MINUTE, 10 - PER_MINUTE)
    assert bundle(pages[:1], ago(1, 2, 3, 4, 5, 6), NOON).messages == ()
    assert len(bundle(pages[:1], ago(61, 62, 63, 64, 65, 66), NOON).messages) == 1


def test_a_flood_leaves_as_one_message_a_cause_and_a_minute() -> None:
    flood = ago(*range(70, 70 + FLOOD))
    pages = [waiting(n, area=str(n)) for n in range(5)] + [waiting(9, rule="visit_late")]
    sending = bundle(pages, flood, NOON)
    assert [len(message) for message in sending.messages] == [5]
    assert [one.alert.rule for one in sending.held] == ["visit_late"]
    assert bundle(pages, [*flood, *ago(30)], NOON).messages == ()


def test_two_contacts_are_two_messages() -> None:
    other = waiting(2)
    other = Waiting(replace(other.page, channel="webhook://y", contact=1), other.alert)
    assert len(bundle([waiting(1), other], [], NOON).messages) == 2


@given(
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from("abc"))), st.lists(st.integers(0, 900))
)
def test_nothing_is_dropped_or_doubled(pages: list[tuple[int, str]], recent: list[int]) -> None:
    due = [waiting(n, area=area) for n, area in pages]
    sending = bundle(due, ago(*recent), NOON)
    out = [one for message in sending.messages for one in message] + list(sending.held)
    assert sorted(one.page.id for one in out) == sorted(one.page.id for one in due)
