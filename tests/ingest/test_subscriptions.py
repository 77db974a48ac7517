"""What a session asks of the broker, and what it believes to be granted."""

import pytest

from ingest.mqtt import packets
from ingest.mqtt.packets import Suback
from ingest.mqtt.subscriptions import FILTERS_A_PACKET, PacketIds, Subscriptions


@pytest.fixture
def granted() -> list[frozenset[str]]:
    """What was told as granted, time by time."""
    return []


@pytest.fixture
def subscriptions(granted: list[frozenset[str]]) -> Subscriptions:
    return Subscriptions("test", ["a", "b"], [], PacketIds(), granted.append)


def test_all_is_asked_for_again_on_a_new_connection(
    subscriptions: Subscriptions, granted: list[frozenset[str]]
) -> None:
    assert subscriptions.begin() == packets.subscribe(1, ["a", "b"])
    subscriptions.answered(Suback(1, b"\x01\x01"))
    assert subscriptions.confirmed == {"a", "b"}
    assert subscriptions.begin() == packets.subscribe(2, ["a", "b"])
    assert not subscriptions.confirmed
    assert not subscriptions.is_answered
    assert granted == [{"a", "b"}]


def test_what_is_refused_is_not_granted(
    subscriptions: Subscriptions, granted: list[frozenset[str]]
) -> None:
    subscriptions.begin()
    subscriptions.answered(Suback(1, b"\x01\x80"))
    assert (subscriptions.refused, granted) == ({"b"}, [{"a"}])


def test_what_is_given_up_is_told_at_once(
    subscriptions: Subscriptions, granted: list[frozenset[str]]
) -> None:
    subscriptions.begin()
    subscriptions.answered(Suback(1, b"\x01\x01"))
    changes = subscriptions.change(["b", "c"])
    assert granted == [{"a", "b"}, {"b"}]
    assert changes == packets.unsubscribe(2, ["a"]) + packets.subscribe(3, ["c"])


def test_an_answer_does_not_bring_back_what_was_given_up_meanwhile(
    subscriptions: Subscriptions, granted: list[frozenset[str]]
) -> None:
    subscriptions.begin()
    subscriptions.change(["b"])
    subscriptions.answered(Suback(1, b"\x01\x01"))
    assert granted[-1] == {"b"}


def test_many_filters_are_asked_for_packet_by_packet() -> None:
    many = [f"t/{n}" for n in range(FILTERS_A_PACKET + 1)]
    told: list[frozenset[str]] = []
    subscriptions = Subscriptions("test", many, ["old"], PacketIds(), told.append)
    assert subscriptions.begin() == (
        packets.subscribe(1, many[:-1])
        + packets.subscribe(2, many[-1:])
        + packets.unsubscribe(3, ["old"])
    )
    subscriptions.answered(Suback(1, b"\x01" * FILTERS_A_PACKET))
    assert not told
    subscriptions.answered(Suback(2, b"\x01"))
    assert told == [frozenset(many)]
