"""Two live sightings a month, one in each half, a week apart: what is missing is told."""

from itertools import permutations

import pytest
from story import Story

from alerts.rules.face_presence_missing import PresenceSettings
from alerts.rules.shared.months import lack, parts_of
from alerts.types import RuleScope
from devices.directory import Device, Facility, Resident

TOWN = (
    Facility(id="f-1", area="mudan"),
    Resident(id="r-1", facility="f-1", face="P-001"),
    Device(id="term-f1", kind="terminal", holder="facility:f-1"),
)
RULE, WHO = "face_presence_missing", "resident:r-1"


def on(day: int, clock: str = "10:00") -> str:
    """A day of November 2026 as the story counts them (its day is the 2nd)."""
    return f"+{day - 2} {clock}"


def story(*more: object, **kw: object) -> Story:
    return Story(*TOWN, *more, only=(RULE,), **kw)  # type: ignore[arg-type]


def seen(told: Story, *days: int) -> Story:
    for day in days:
        told.at(on(day)).face("term-f1", "P-001", score=0.93, alive=True)
    return told


@pytest.mark.parametrize("days", [(2, 20), (15, 22), (9, 16), (3, 4, 5, 27)])
def test_seen_in_both_halves_a_week_apart(days: tuple[int, ...]) -> None:
    seen(story(), *days).at(on(31, "23:59")).expect_nothing()


@pytest.mark.parametrize(
    ("days", "reason"),
    [((), "not_seen"), ((3,), "part_missing"), ((20, 28), "part_missing"), ((12, 16), "too_close")],
)
def test_what_is_missing_is_told_at_the_end_of_the_month(
    days: tuple[int, ...], reason: str
) -> None:
    told = seen(story(), *days).at(on(31, "00:00"))
    found = told.expect(RULE, WHO, "raised", reason=reason, at=on(31, "00:00"), severity="medium")
    assert found.key == "2026-11"
    assert [fact.what for fact in found.evidence] == (["sighting"] * len(days) or ["no_data"])


def test_the_reminder_comes_three_days_before_and_ends_with_the_month() -> None:
    told = seen(story(), 3).at(on(27, "23:59")).expect_nothing().at(on(28, "00:00"))
    told.expect(RULE, WHO, "raised", reason="reminder", severity="low", key="2026-11/reminder")
    told.at(on(31, "00:00")).expect(RULE, WHO, "cleared", reason="month_ended")
    told.expect(RULE, WHO, "raised", reason="part_missing")


def test_the_reminder_is_taken_back_when_it_helped() -> None:
    told = seen(story(), 3, 29)
    told.expect(RULE, WHO, "raised", reason="reminder")
    told.expect(RULE, WHO, "cleared", reason="seen", at=on(29))
    told.at(on(31, "12:00")).expect_nothing()


@pytest.mark.parametrize(
    "more",
    [
        {"alive": False},
        {"score": 0.79},
        {"method": "card"},
        {"method": "finger"},
        {"method": "pin"},
    ],
)
def test_it_must_be_a_live_face_that_is_surely_the_resident(more: dict[str, object]) -> None:
    told = story()
    for day in (3, 20):
        told.at(on(day)).face("term-f1", "P-001", **more)
    told.at(on(31, "00:00")).expect(RULE, WHO, "raised", reason="not_seen")


def test_a_terminal_that_names_no_score_is_believed() -> None:
    told = story()
    for day in (3, 20):
        told.at(on(day)).face("term-f1", "P-001")
    told.at(on(31, "23:59")).expect_nothing()


def test_late_sightings_clear_the_month() -> None:
    told = seen(story(), 20).at(on(32, "08:00"))
    told.expect(RULE, WHO, "raised", reason="reminder")
    told.expect(RULE, WHO, "cleared", reason="month_ended")
    told.expect(RULE, WHO, "raised", reason="part_missing")
    told.face("term-f1", "P-001", observed=on(4))
    told.expect(RULE, WHO, "cleared", reason="late_evidence", key="2026-11", at=on(32, "08:00"))
    told.face("term-f1", "P-001", observed=on(5)).expect_nothing()


@pytest.mark.parametrize("order", list(permutations((3, 12, 17))))
def test_any_order_ends_the_same(order: tuple[int, ...]) -> None:
    told = story().at(on(32, "08:00"))
    for day in order:
        told.face("term-f1", "P-001", observed=on(day))
    last = [found for found in told.told if found.key == "2026-11"][-1]
    assert (last.event, last.reason) == ("cleared", "late_evidence")


def test_a_restart_forgets_no_sighting_and_no_date() -> None:
    told = seen(story(), 3).restart()
    seen(told, 20).restart().at(on(31, "00:00")).expect_nothing()
    told.restart().at(on(62, "00:00")).expect(RULE, WHO, "raised", reason="not_seen", key="2026-12")


def test_a_place_may_ask_for_less() -> None:
    told = story(RuleScope(area="mudan", rules={RULE: {"per_month": 1}}))
    seen(told, 29).expect(RULE, WHO, "raised", reason="reminder")
    told.expect(RULE, WHO, "cleared", reason="seen")
    told.at(on(31, "00:00")).expect_nothing()


def test_who_moves_in_late_owes_only_the_second_half() -> None:
    told = story().at(on(18)).change(Resident(id="r-2", facility="f-1", face="P-002"))
    told.at(on(25)).face("term-f1", "P-002").at(on(31, "00:00"))
    assert {found.subject for found in told.told} == {WHO}


def test_who_leaves_is_not_missed() -> None:
    told = story().at(on(29))
    told.expect(RULE, WHO, "raised", reason="reminder")
    told.change(gone={"residents": ("r-1",)})
    told.expect(RULE, WHO, "cleared", reason="resident_removed")
    told.at("+60 00:00").expect_nothing()


def test_the_parts_of_a_month() -> None:
    def parts(n: int, owed_from: int = 1) -> list[tuple[int, int]]:
        found = parts_of(n, owed_from)
        return [(part.start, part.stop - 1) for part in found]

    assert parts(1) == [(1, 31)]
    assert parts(2) == [(1, 15), (16, 31)]
    assert parts(2, owed_from=15) == [(1, 15), (16, 31)]
    assert parts(2, owed_from=16) == [(16, 31)]
    assert parts(4) == [(1, 7), (8, 15), (16, 22), (23, 31)]


def test_the_best_choice_of_days_is_found() -> None:
    settings = PresenceSettings()
    halves = parts_of(settings.per_month)
    assert lack([14, 15, 16, 21], halves, settings.min_days_apart) is None
    assert lack([14, 20], halves, settings.min_days_apart) == "too_close"
