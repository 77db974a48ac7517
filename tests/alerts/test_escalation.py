"""Who is paged when, to the second."""

from datetime import timedelta

import pytest
from ladder_story import NOON, LadderStory, ladder, staff, town

from alerts.cases.page_names import PageName, page_name
from alerts.types import Contact, Escalated, Ladder, LadderFor, PlanSet, Rota, Rung, Severity, Staff

U1, U2, U3 = staff("u-1"), staff("u-2"), staff("u-3", "manager")
THREE = ladder((0, ("u-1",)), (60, ("u-2",)), (180, ("role:manager",)))


def test_an_unanswered_sos_climbs_at_0_60_and_180_and_then_repeats_each_60_s() -> None:
    story = town((U1, U2, U3), THREE).found().at(301)
    assert story.pages == [(0, "u-1"), (60, "u-2"), (180, "u-3"), (240, "u-3"), (300, "u-3")]
    assert len({page.id for page in story.sent}) == 5


def test_an_answer_stops_every_rung_and_calls_off_what_has_not_left() -> None:
    story = town((U1, U2, U3), THREE).found().at(59).acked("u-2").at(800)
    assert story.pages == [(0, "u-1")]
    assert story.cancelled == [story.alert.id]
    assert story.alert.acked_by == "u-2"


def test_an_answer_without_arrival_climbs_again_after_15_minutes() -> None:
    story = town((U1, U2, U3), THREE).found().at(30).acked().at(30 + 900 + 60)
    assert story.pages == [(0, "u-1"), (930, "u-1"), (990, "u-2")]
    assert story.alert.state == "open"
    assert "not_arrived" in story.words()
    assert story.at(1000).acked("u-2").alert.acked_by == "u-2"


def test_arriving_stops_the_way_clock() -> None:
    story = town((U1, U2), THREE).found().at(30).acked().at(300).arrived().at(5000)
    assert story.pages == [(0, "u-1")]
    assert story.alert.state == "acknowledged"


def test_rungs_missed_while_away_are_all_paged_and_missed_repeats_are_not() -> None:
    story = town((U1, U2, U3), THREE).found()
    story.at_once(500)
    assert story.pages == [(0, "u-1"), (500, "u-2"), (500, "u-3")]
    assert story.at(541).pages[-1] == (540, "u-3")  # the grid of 60 s holds


def test_the_last_rung_is_paged_once_where_the_ladder_has_no_repeat() -> None:
    once = ladder((0, ("u-1",)), (60, ("u-2",)), repeat=None)
    story = town((U1, U2), once).found("visit_missed", severity=Severity.HIGH).at(9999)
    assert story.pages == [(0, "u-1"), (60, "u-2")]
    assert story.alert.next_at is None


def test_a_life_alert_repeats_even_where_the_ladder_names_no_repeat() -> None:
    story = town((U1,), ladder((0, ("u-1",)), repeat=None)).found().at(121)
    assert story.pages == [(0, "u-1"), (60, "u-1"), (120, "u-1")]


class TestNobodyThere:
    def test_an_empty_rung_is_skipped_at_once_and_named(self) -> None:
        rungs = ladder((0, ("rota:night",)), (60, ("u-2",)))
        story = town((U2,), rungs, rotas=(Rota(id="night"),)).found().at(1)
        assert story.pages == [(0, "u-2")]
        assert ("skipped", "rung 1: rota:night is nobody") in [
            (line.what, line.detail) for line in story.alert.story
        ]

    def test_a_person_without_a_contact_is_skipped_and_named(self) -> None:
        rungs = ladder((0, ("u-1",)), (60, ("u-2",)))
        story = town((Staff(id="u-1"), U2), rungs).found().at(1)
        assert story.pages == [(0, "u-2")]
        assert [line.who for line in story.alert.story if line.what == "skipped"] == ["u-1"]

    def test_a_rung_that_is_empty_in_the_middle_brings_the_next_forward(self) -> None:
        rungs = ladder((0, ("u-1",)), (60, ("nobody",)), (180, ("u-3",)))
        assert town((U1, U3), rungs).found().at(100).pages == [(0, "u-1"), (60, "u-3")]

    def test_a_life_alert_whose_ladder_reaches_nobody_goes_to_anyone(self) -> None:
        story = town((U3,), ladder((0, ("rota:none",)))).found().at(61)
        assert story.pages == [(0, "u-3"), (60, "u-3")]

    def test_a_life_alert_with_nobody_at_all_keeps_trying(self) -> None:
        story = town((), ladder((0, ("u-1",)))).found().at(200)
        assert story.pages == []
        assert story.words().count("nobody_to_page") == 1
        assert story.alert.next_at == NOON + timedelta(seconds=240)

    def test_another_alert_with_nobody_tries_again_in_ten_minutes(self) -> None:
        story = town((), ladder((0, ("u-1",)))).found("visit_missed", severity=Severity.HIGH)
        assert story.alert.next_at == NOON + timedelta(minutes=10)
        assert story.at(1300).words().count("nobody_to_page") == 1


class TestFailures:
    TWO = staff("u-1", "on_call", "webhook://first", "webhook://second")

    def test_a_failure_for_good_moves_to_the_next_contact_at_once(self) -> None:
        story = town((self.TWO, U2), THREE).found().at(2)
        story.answered(story.sent[0], "failed_permanent")
        assert [(p.person, p.channel, p.due_at) for p in story.sent[1:]] == [
            ("u-1", "webhook://second", NOON + timedelta(seconds=2))
        ]

    def test_a_life_alert_does_not_wait_for_a_retry(self) -> None:
        story = town((self.TWO,), THREE).found().answered_first("failed_temporary")
        assert [page.contact for page in story.sent] == [0, 1]

    def test_others_leave_the_retry_to_the_pager(self) -> None:
        story = town((self.TWO,), THREE).found("visit_missed", severity=Severity.HIGH)
        assert len(story.answered_first("failed_temporary").sent) == 1

    def test_when_nobody_of_a_rung_can_be_reached_the_next_is_due_now(self) -> None:
        story = town((U1, U2, U3), THREE).found().at(3).answered_first("failed_permanent")
        assert story.at(124).pages == [(0, "u-1"), (3, "u-2"), (123, "u-3")]
        assert "unreachable" in story.words()

    def test_one_of_two_still_reached_keeps_the_ladder_as_it_is(self) -> None:
        story = town((U1, U2, U3), ladder((0, ("u-1", "u-2")), (60, ("u-3",))))
        story.found().at(3).answered_first("failed_permanent")
        assert story.at(59).pages == [(0, "u-1"), (0, "u-2")]

    def test_failing_repeats_do_not_chase_each_other(self) -> None:
        story = town((U1,), ladder((0, ("u-1",)))).found()
        for seconds in (1, 61, 121):
            story.at(seconds).answered(story.sent[-1], "failed_permanent")
        assert story.pages == [(0, "u-1"), (60, "u-1"), (120, "u-1")]

    def test_after_an_answer_no_failure_pages_anyone(self) -> None:
        story = town((self.TWO, U2), THREE).found().at(1).acked("u-2")
        assert len(story.answered_first("failed_permanent").sent) == 1


class TestTargets:
    def test_a_role_is_that_of_the_alerts_area_or_the_nearest_above(self) -> None:
        people = (
            staff("u-far", "manager", areas=("heze",)),
            staff("u-near", "manager", areas=("mudan",)),
            staff("u-else", "manager", areas=("caoxian",)),
        )
        rungs = ladder((0, ("role:manager",)), (60, ("role:manager@parent",)))
        assert town(people, rungs).found().at(61).pages == [(0, "u-near"), (60, "u-near")]
        assert town(people, rungs).found(subject="client:c-2").at(61).pages == [
            (0, "u-near"),
            (60, "u-far"),
        ]

    def test_who_has_no_areas_serves_the_whole_town(self) -> None:
        assert town((U3,), ladder((0, ("role:manager@parent",)))).found().pages == [(0, "u-3")]

    def test_an_agency_means_its_on_call_people(self) -> None:
        people = (staff("u-a", agency="a-1"), staff("u-b", agency="a-2"))
        plans = PlanSet(people=people, ladders=(ladder((0, ("agency",))),))
        story = LadderStory(plans)
        story.book.roster = story.book.roster.changed(plans)
        story.book.roster.agency_of_client["c-1"] = "a-1"  # type: ignore[index]
        assert story.found().pages == [(0, "u-a")]

    def test_one_person_meant_twice_is_paged_once(self) -> None:
        assert town((U1,), ladder((0, ("u-1", "role:on_call")))).found().pages == [(0, "u-1")]

    def test_the_rota_says_who_at_the_moment_of_the_rung(self) -> None:
        rota = Rota(id="day", people=("u-1", "u-2"), handover="12:01", start="2026-11-01")
        story = town((U1, U2), ladder((0, ("rota:day",))), rotas=(rota,)).found()
        assert story.at(61).pages == [(0, "u-1"), (60, "u-2")]


class TestLadders:
    def test_the_first_ladder_that_fits_serves(self) -> None:
        fits = Ladder(
            id="b", for_=LadderFor(areas=("mudan",)), rungs=(Rung(after=0, page=("u-2",)),)
        )
        other = Ladder(id="a", for_=LadderFor(rules=("x",)), rungs=(Rung(after=0, page=("u-1",)),))
        assert town((U1, U2), other, fits).found().pages == [(0, "u-2")]

    def test_a_life_alert_without_a_ladder_pages_on_call_then_managers(self) -> None:
        assert town((U1, U2, U3)).found().at(61).pages == [(0, "u-1"), (0, "u-2"), (60, "u-3")]

    def test_another_alert_without_a_ladder_stays_on_the_wall(self) -> None:
        story = town((U1,)).found("visit_late", severity=Severity.MEDIUM).at(999)
        assert (story.pages, story.alert.next_at) == ([], None)

    def test_the_ladder_is_frozen_when_the_alert_opens(self) -> None:
        story = town((U1, U2, U3), THREE).found()
        story.book.roster = story.book.roster.changed(PlanSet(ladders=(ladder((0, ("u-1",))),)))
        assert story.at(61).pages == [(0, "u-1"), (60, "u-2")]

    def test_a_person_can_ask_for_the_next_rung_now(self) -> None:
        story = town((U1, U2, U3), THREE).found().at(10)
        story.heard(Escalated(at=story.now, alert=story.alert.id, person="u-9"))
        assert story.at(131).pages == [(0, "u-1"), (10, "u-2"), (130, "u-3")]

    def test_asking_for_more_leaves_an_answer_standing(self) -> None:
        story = town((U1, U2, U3), THREE).found().at(10).acked().at(20)
        story.heard(Escalated(at=story.now, alert=story.alert.id, person="u-9"))
        assert story.at(700).pages == [(0, "u-1"), (20, "u-2")]
        assert story.alert.state == "acknowledged"


class TestHours:
    BOTH = Staff(
        id="u-1",
        role="on_call",
        contacts=(
            Contact(channel="webhook://night", hours="20:00-08:00"),
            Contact(channel="webhook://day", hours="08:00-20:00"),
        ),
    )
    NIGHT = Staff(id="u-1", contacts=(Contact(channel="webhook://night", hours="20:00-08:00"),))

    def test_the_first_contact_within_its_hours_serves(self) -> None:
        assert town((self.BOTH,), THREE).found().sent[0].channel == "webhook://day"

    def test_a_life_alert_waits_for_no_hours(self) -> None:
        assert town((self.NIGHT,), THREE).found().sent[0].channel == "webhook://night"

    def test_other_alerts_do(self) -> None:
        story = town((self.NIGHT, U2), THREE).found("visit_missed", severity=Severity.HIGH)
        assert story.pages == [(0, "u-2")]


@pytest.mark.parametrize("person", ["u-1", "张", "a-1.0-b"])
def test_a_pages_id_says_what_it_is(person: str) -> None:
    name = PageName("abc", 2, 3, person, 1)
    assert page_name(name.id) == name


@pytest.mark.parametrize("id", ["", "abc", "abc-1-u-0", "abc-1.x-u-0", "a-1.0--0"])
def test_other_words_are_no_page(id: str) -> None:
    assert page_name(id) is None
