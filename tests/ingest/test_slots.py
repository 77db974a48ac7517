import pytest

from ingest.lanes.slots import Slot, to_claim

ME, MATE, THIRD = 1, 2, 3


def alive(name: str, worker: int) -> Slot:
    return Slot(name, worker, "alive")


def test_the_first_process_takes_everything() -> None:
    assert to_claim([], ME) == ("life", "bulk-1")
    assert to_claim([], ME, shared=True) == ("life", "bulk-1")


def test_a_second_process_stands_by() -> None:
    assert to_claim([alive("bulk-1", MATE), alive("life", MATE)], ME) == ()


def test_when_sharing_a_second_process_opens_a_second_bulk_slot() -> None:
    assert to_claim([alive("bulk-1", MATE), alive("life", MATE)], ME, shared=True) == ("bulk-2",)


def test_who_has_its_own_and_sees_all_alive_takes_nothing() -> None:
    slots = [alive("bulk-1", MATE), alive("bulk-2", ME), alive("life", MATE)]
    assert to_claim(slots, ME, shared=True) == ()


@pytest.mark.parametrize("shared", [True, False])
def test_the_slots_of_a_dead_process_are_taken_over(shared: bool) -> None:
    slots = [Slot("bulk-1", MATE, "dead"), alive("bulk-2", ME), Slot("life", MATE, "dead")]
    assert to_claim(slots, ME, shared=shared) == ("bulk-1", "life")


def test_a_process_that_comes_back_takes_one_from_who_has_two() -> None:
    slots = [alive("bulk-1", MATE), alive("bulk-2", MATE), alive("life", MATE)]
    assert to_claim(slots, ME, shared=True) == ("bulk-2",)


@pytest.mark.parametrize("shared", [True, False])
def test_a_restarted_process_waits_for_its_former_self_to_be_surely_dead(shared: bool) -> None:
    slots = [Slot("bulk-1", MATE, "doubtful"), Slot("life", MATE, "doubtful")]
    assert to_claim(slots, ME, shared=shared) == ()
    slots = [Slot("bulk-1", MATE, "dead"), Slot("life", MATE, "dead")]
    assert to_claim(slots, ME, shared=shared) == ("bulk-1", "life")


def test_what_this_process_held_before_a_long_pause_is_still_its_own() -> None:
    assert to_claim([Slot("bulk-1", ME, "dead"), Slot("life", ME, "dead")], ME) == ()


def test_a_third_process_among_two_opens_a_third_slot() -> None:
    slots = [alive("bulk-1", MATE), alive("bulk-2", THIRD), alive("life", MATE)]
    assert to_claim(slots, ME, shared=True) == ("bulk-3",)
