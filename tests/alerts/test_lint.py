"""Flaws of rotas, contacts and ladders, each by its name; and the answering figures."""

from datetime import datetime, timedelta

import pytest
from ladder_story import NOON, SHANGHAI, ladder, staff, town
from msgspec.structs import replace

from alerts.figures.answering import Answering, Load, answering, answers
from alerts.figures.lint import FailedContact, lint, seen_since
from alerts.plans.roster import Roster, roster_of
from alerts.types import Ladder, PlanSet, Resolved, Rota, RotaSwap, Rung, Severity, Staff
from devices.directory import Agency, Directory, RegisterChange

U1, U2 = staff("u-1"), staff("u-2", "manager")
DAY = timedelta(days=1)


def roster(
    *people: Staff, rotas: tuple[Rota, ...] = (), ladders: tuple[Ladder, ...] = ()
) -> Roster:
    directory = Directory().changed(RegisterChange(agencies=(Agency(id="a-1"),)))
    return roster_of(
        directory, PlanSet(people=people or (U1, U2), rotas=rotas, ladders=ladders), SHANGHAI
    )


def found(given: Roster) -> list[tuple[str, str, str]]:
    return [(flaw.kind, flaw.where, flaw.detail) for flaw in lint(given, NOON)]


def test_a_sound_town_has_no_flaws() -> None:
    rota = Rota(id="r", people=("u-1", "u-2"), start="2026-01-01")
    assert found(roster(rotas=(rota,), ladders=(ladder((0, ("rota:r", "role:manager"))),))) == []


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("nobody", "unknown_person"),
        ("rota:none", "unknown_rota"),
        ("role:boss", "unknown_role"),
        ("role:vendor", "empty_role"),
        ("role:vendor@parent", "empty_role"),
        ("agency", "empty_agency"),
    ],
)
def test_a_target_that_reaches_nobody(target: str, kind: str) -> None:
    flaws = found(roster(ladders=(ladder((0, ("u-1",)), (60, (target,))),)))
    assert [(flaw[0], flaw[1]) for flaw in flaws] == [(kind, "ladder life, rung 2")]


def test_ladders_without_rungs_and_rungs_without_targets() -> None:
    ladders = (Ladder(id="a"), Ladder(id="b", rungs=(Rung(after=0),)))
    assert [flaw[1] for flaw in found(roster(ladders=ladders))] == ["ladder a", "ladder b, rung 1"]


def test_rotas_empty_with_strangers_and_with_gaps() -> None:
    swap = RotaSwap(from_=NOON, until=NOON + timedelta(hours=2), person="x")
    rotas = (
        Rota(id="a"),
        Rota(id="b", people=("u-1",), start="2026-01-01", swaps=(swap,)),
        Rota(id="c", people=("u-1",), start="2026-11-04", handover="09:00"),
    )
    assert found(roster(rotas=rotas)) == [
        ("empty_rota", "rota a", ""),
        ("unknown_person", "rota b", "x"),
        ("rota_gap", "rota c", "until 2026-11-04 09:00"),
    ]


def test_a_gap_keeps_its_name_while_days_go_by() -> None:
    never = Rota(id="a", people=("u-1",), start="2027-01-01")
    later = Rota(
        id="b",
        people=("u-1",),
        start="2026-10-01",
        swaps=(RotaSwap(from_=NOON + DAY, until=NOON + 2 * DAY, person="u-1"),),
    )
    first = lint(roster(rotas=(never, later)), NOON)
    assert [flaw.detail for flaw in first if flaw.kind == "rota_gap"] == ["without an end"]
    seen = [replace(flaw, since=NOON) for flaw in first]
    again = seen_since(lint(roster(rotas=(never, later)), NOON + DAY), seen)
    assert {flaw.since for flaw in again} == {NOON}


def test_who_may_be_paged_needs_a_contact() -> None:
    silent = Staff(id="u-3", role="manager")
    assert found(roster(U1, silent, ladders=(ladder((0, ("role:manager",))),)))[0][:2] == (
        "no_contact",
        "person u-3",
    )
    assert found(roster(U1, silent)) == []


def test_a_life_alert_must_reach_somebody() -> None:
    assert [flaw[0] for flaw in found(roster(staff("u-1", "viewer")))] == ["nobody_for_life"]


def test_a_contact_that_failed_is_named() -> None:
    failed = [FailedContact("u-1", 0, NOON, "HTTP 404"), FailedContact("gone", 0, NOON, "")]
    assert [flaw.where for flaw in lint(roster(), NOON, failed)] == ["person u-1"]


class TestAnswering:
    def case(self, seconds: float | None) -> Answering:
        story = town((U1,), ladder((0, ("u-1",)))).found()
        if seconds is not None:
            story.at(seconds).acked()
        return answering(story.alert, NOON + timedelta(seconds=1), None)

    def test_shares_within_60_and_180_s_and_the_late_one_by_one(self) -> None:
        cases = [self.case(seconds) for seconds in (5, 60, 61, 200, None)]
        figures = answers(cases, NOON + timedelta(seconds=500))
        assert (figures.alerts, figures.answered) == (5, 4)
        assert (figures.within_60, figures.within_180) == (2 / 5, 3 / 5)
        assert [case.waited(self.later(500)) for case in figures.late] == [500, 200]
        assert (figures.sent_median, figures.delivered_median) == (1, None)

    def later(self, seconds: float) -> datetime:
        return NOON + timedelta(seconds=seconds)

    def test_the_first_answer_counts_where_it_climbed_again(self) -> None:
        story = town((U1,), ladder((0, ("u-1",)))).found().at(10).acked().at(1000).acked("u-2")
        assert answering(story.alert, None, None).answered_at == self.later(10)

    def test_resolving_at_once_is_an_answer(self) -> None:
        story = town((U1,), ladder((0, ("u-1",)))).found().at(20)
        story.heard(Resolved(at=story.now, alert=story.alert.id, person="u-1", outcome="test"))
        assert answering(story.alert, None, None).answered_by == "u-1"

    def test_false_alarms_are_a_share_of_what_was_resolved_and_each_persons_load_is_counted(
        self,
    ) -> None:
        told = [
            replace(self.case(seconds), answered_by=person, outcome=outcome)
            for seconds, person, outcome in (
                (5, "u-1", "false_alarm"),
                (90, "u-1", "helped"),
                (10, "u-2", None),
            )
        ]
        figures = answers([*told, self.case(None)], self.later(500))
        assert figures.false_alarms == 1 / 2
        assert figures.by_person == (Load("u-1", 2, 1), Load("u-2", 1, 1))
        assert answers([self.case(None)], NOON).false_alarms is None

    def test_nothing_raised_has_no_shares(self) -> None:
        figures = answers([], NOON)
        assert (figures.within_60, figures.late) == (None, ())

    def test_one_cleared_by_itself_is_not_answered_and_ages_no_more(self) -> None:
        story = town((U1,), ladder((0, ("u-1",)))).found(severity=Severity.HIGH).at(90)
        story.found(severity=Severity.HIGH, event="cleared")
        case = answering(story.alert, None, None)
        assert (case.answered_at, case.waited(self.later(9999))) == (None, 90)
        assert replace(case, closed_at=None).waited(self.later(9999)) == 9999
