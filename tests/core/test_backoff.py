"""The pause between attempts doubles, is spread, and begins again after steady work."""

from core.backoff import SPREAD, Backoff


def even() -> float:
    return 1.0


def test_the_pause_doubles_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 3.0, jitter=even)
    assert [backoff.pause() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_steady_work_begins_with_the_first_pause_again() -> None:
    backoff = Backoff(1.0, 8.0, steady=10.0, jitter=even)
    assert [backoff.pause(ran_for) for ran_for in (0, 10, 10.1, 0)] == [1.0, 2.0, 1.0, 2.0]


def test_the_jitter_does_not_add_up() -> None:
    backoff = Backoff(1.0, 8.0, jitter=lambda: 1.25)
    assert [backoff.pause() for _ in range(3)] == [1.25, 2.5, 5.0]


def test_pauses_are_spread_around_the_plain_one() -> None:
    pauses = [Backoff(10.0, 60.0).pause() for _ in range(200)]
    assert len(set(pauses)) > 1
    assert all(10 * (1 - SPREAD) <= pause <= 10 * (1 + SPREAD) for pause in pauses)
