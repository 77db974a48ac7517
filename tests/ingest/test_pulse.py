"""When a quiet connection is asked for a sign of life, and when it is given up."""

import pytest

from ingest.mqtt import keepalive as pulse
from ingest.mqtt.keepalive import ANSWER_TIME, KEEP_ALIVE, Pulse


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """This process's seconds; the test moves them."""
    now = [1000.0]
    monkeypatch.setattr(pulse, "monotonic", lambda: now[0])
    return now


def test_it_asks_when_nothing_was_said_for_half_the_time(clock: list[float]) -> None:
    beat = Pulse()
    clock[0] += KEEP_ALIVE / 2
    assert not beat.asks(said=False, heard=True)
    clock[0] += 0.1
    assert beat.asks(said=False, heard=True)
    assert not beat.asks(said=False, heard=True)


def test_what_is_said_anyway_is_a_sign_of_life(clock: list[float]) -> None:
    beat = Pulse()
    clock[0] += KEEP_ALIVE
    assert not beat.asks(said=True, heard=True)


def test_a_silent_broker_is_given_up(clock: list[float]) -> None:
    beat = Pulse()
    clock[0] += KEEP_ALIVE + ANSWER_TIME
    beat.asks(said=True, heard=False)
    clock[0] += 0.1
    with pytest.raises(TimeoutError):
        beat.asks(said=True, heard=False)
