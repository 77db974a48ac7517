"""Turns change hands while pages wait: who went off duty sleeps, who came on is paged."""

from datetime import timedelta

from alerts.paging.relief import OFF_DUTY, is_meant
from alerts.types import PlanSet, Receipt, Rota, RotaSwap, TownChanged
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
