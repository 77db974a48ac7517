"""When rule states are saved along with a step."""

import pytest

from alerts.lanes.save_policy import RENEW_EVERY, SAVE_EVERY, SAVE_SHARE, SavePolicy


@pytest.fixture
def seconds() -> list[float]:
    """The policy's clock; the test moves it."""
    return [1000.0]


def policy(seconds: list[float], *, is_new: bool = False) -> SavePolicy:
    return SavePolicy(is_new=is_new, clock=lambda: seconds[0])


def test_a_new_lane_saves_where_it_begins(seconds: list[float]) -> None:
    saving = policy(seconds, is_new=True)
    assert saving.is_due(has_moved=False)
    saving.note_saved(0.0)
    assert not saving.is_due(has_moved=True)


def test_states_that_have_moved_are_saved_now_and_then(seconds: list[float]) -> None:
    saving = policy(seconds)
    seconds[0] += SAVE_EVERY
    assert not saving.is_due(has_moved=True)
    seconds[0] += 0.1
    assert saving.is_due(has_moved=True)
    assert not saving.is_due(has_moved=False)


def test_a_quiet_lane_renews_its_checkpoint(seconds: list[float]) -> None:
    saving = policy(seconds)
    seconds[0] += RENEW_EVERY + 0.1
    assert saving.is_due(has_moved=False)


def test_a_saving_that_takes_long_is_made_less_often(seconds: list[float]) -> None:
    saving = policy(seconds)
    saving.note_saved(2.0)
    seconds[0] += 2.0 / SAVE_SHARE
    assert not saving.is_due(has_moved=True)
    seconds[0] += 0.1
    assert saving.is_due(has_moved=True)


def test_what_must_be_saved_is_saved_once(seconds: list[float]) -> None:
    saving = policy(seconds)
    saving.require()
    assert saving.is_due(has_moved=False)
    saving.note_saved(0.0)
    assert not saving.is_due(has_moved=False)
