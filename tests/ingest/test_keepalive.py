"""When a quiet connection is asked for a sign of life, and when it is given up."""

import pytest

from ingest.mqtt import keepalive
from ingest.mqtt.keepalive import ANSWER_TIME, KEEP_ALIVE, KeepAlive


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """This process's seconds; the test moves them."""
    now = [1000.0]
    monkeypatch.setattr(keepalive, "monotonic", lambda: now[0])
    return now


def test_it_asks_when_nothing_was_sent_for_half_the_time(clock: list[float]) -> None:
    connection = KeepAlive()
    clock[0] += KEEP_ALIVE / 2
    assert not connection.ping_is_due(sent=False, received=True)
    clock[0] += 0.1
    assert connection.ping_is_due(sent=False, received=True)
    assert not connection.ping_is_due(sent=False, received=True)


def test_what_is_sent_anyway_is_a_sign_of_life(clock: list[float]) -> None:
    connection = KeepAlive()
    clock[0] += KEEP_ALIVE
    assert not connection.ping_is_due(sent=True, received=True)


def test_a_silent_broker_is_given_up(clock: list[float]) -> None:
    connection = KeepAlive()
    clock[0] += KEEP_ALIVE + ANSWER_TIME
    connection.ping_is_due(sent=True, received=False)
    clock[0] += 0.1
    with pytest.raises(TimeoutError):
        connection.ping_is_due(sent=True, received=False)
