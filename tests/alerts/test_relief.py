"""Turns change hands while pages wait: who went off duty sleeps, who came on is paged."""

from datetime import timedelta

from alerts.cases.relief import OFF_DUTY, is_meant
from alerts.types import Escalated, PlanSet, Receipt, Rota, RotaSwap, TownChanged
from tests.alerts.ladder_story import NOON, LadderStory, ladder, staff, town

ROTA = Rota(id="r", people=("u-1",), start="2026-11-01")
PEOPLE = (staff("u-1"), staff("u-2"), staff("u-3", "viewer"))


def swapped(story: LadderStory) -> LadderStory:
    """u-2 takes over now."""
    swap = RotaSwap(from_=story.now, until=NOON + timedelta(days=1), person="u-2")
    rota = Rota(id="r", people=("u-1",), start="2026-11-01", swaps=(swap,))
    return story.heard(TownChanged(at=story.now, plans=PlanSet(rotas=(rota,))))


def on_rota() -> LadderStory:
    return town(PEOPLE, ladder((0, ("rota:r",)), (60, ("u-3",))), rotas=(ROTA,)).at(0).found()


def test_a_page_is_meant_for_its_person_until_their_turn_ends() -> None:
    story = on_rota()
    page = story.sent[0]
    assert is_meant(page, story.alert, story.book.roster, story.now)
    swapped(story.at(1))
    assert not is_meant(page, story.alert, story.book.roster, story.now)


def test_who_came_on_duty_is_paged_at_once_and_the_ladder_stays_on_time() -> None:
    story = swapped(on_rota().at(1)).at(2)
    page = story.sent[0]
    receipt = Receipt(at=story.now, page=page.id, state="failed_permanent", detail=OFF_DUTY)
    story.heard(receipt).heard(receipt).at(60)
    assert story.pages == [(0, "u-1"), (2, "u-2"), (60, "u-3")]


def test_a_contact_that_fails_after_the_handover_wakes_nobody_off_duty() -> None:
    people = (staff("u-1", "on_call", "webhook://a", "webhook://b"), *PEOPLE[1:])
    story = town(people, ladder((0, ("rota:r",)), (60, ("u-3",))), rotas=(ROTA,)).at(0).found()
    swapped(story.at(5)).answered_first("failed_permanent")
    assert story.pages == [(0, "u-1"), (5, "u-2")]


def test_a_life_alert_whose_ladder_ends_in_nobody_goes_to_anyone_at_once() -> None:
    story = town(PEOPLE, ladder((0, ("u-3",)), (60, ("rota:none",)), (180, ("rota:none",))))
    story.at(0).found().at(100)
    assert story.pages == [(0, "u-3"), (60, "u-1"), (60, "u-2")]


class TestMoreHelp:
    """Somebody is on the way and asks for the next rung; what becomes of that page."""

    LADDER = ladder((0, ("u-3",)), (60, ("rota:r",)), (180, ("u-4",)))

    def asked(self, *channels: str) -> LadderStory:
        people = (staff("u-1", "on_call", *channels), *PEOPLE[1:], staff("u-4", "viewer"))
        story = town(people, self.LADDER, rotas=(ROTA,)).at(0).found().at(5).acked("u-3").at(10)
        story.heard(Escalated(at=story.now, alert=story.alert.id, person="u-3"))
        assert story.pages == [(0, "u-3"), (10, "u-1")]
        return story

    def failed(self, story: LadderStory, detail: str = "") -> LadderStory:
        id = story.sent[-1].id
        return story.heard(Receipt(at=story.now, page=id, state="failed_permanent", detail=detail))

    def test_who_came_on_duty_while_we_were_away_is_paged_for_it(self) -> None:
        story = self.failed(swapped(self.asked().at(15)).at(20), OFF_DUTY).at(300)
        assert story.pages == [(0, "u-3"), (10, "u-1"), (20, "u-2")]
        assert (story.alert.state, story.alert.acked_by) == ("acknowledged", "u-3")

    def test_a_contact_that_fails_gives_way_to_the_next(self) -> None:
        story = self.failed(self.asked("webhook://a", "webhook://b").at(12))
        assert story.sent[-1].channel == "webhook://b"

    def test_who_cannot_be_reached_brings_the_next_rung(self) -> None:
        story = self.failed(self.asked().at(12)).at(300)
        assert story.pages == [(0, "u-3"), (10, "u-1"), (12, "u-4")]
        assert story.alert.state == "acknowledged"

    def test_without_an_arrival_it_climbs_again_as_it_would_have(self) -> None:
        story = self.failed(self.asked().at(12)).at(5 + 15 * 60)
        assert story.pages[-1] == (905, "u-3")
        assert "not_arrived" in story.words()

    def test_a_page_of_before_the_answer_brings_nobody(self) -> None:
        story = town(PEOPLE, self.LADDER, rotas=(ROTA,)).at(0).found().at(61).acked("u-3").at(70)
        assert self.failed(story).pages == [(0, "u-3"), (60, "u-1")]
