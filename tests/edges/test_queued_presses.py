"""Messages without a time of their own that waited at the broker: each is one of its own."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from devices.broker_address import Address
from ingest.mqtt.session import Delivery, Session
from tests.broker_fixtures import Broker
from tests.waiting import until

pytestmark = pytest.mark.edge

TOPIC, PRESS = "zigbee2mqtt/btn", '{"action":"emergency"}'
PRESSES = 5


@pytest.fixture
def waiting(broker: Broker) -> Iterator[Session]:
    """A session for which the same press was published five times while nobody read it."""
    first = Session(Address.of(broker.url), "reads", [TOPIC])
    first.start()
    while TOPIC not in first.confirmed:
        time.sleep(0.01)
    first.stop()
    for _ in range(PRESSES):
        publish = ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", TOPIC, "-m", PRESS]
        subprocess.run(publish, check=True)
    session = Session(Address.of(broker.url), "reads", [TOPIC])
    session.start()
    yield session
    session.stop()


def test_each_has_a_stamp_of_its_own(waiting: Session) -> None:
    come: list[Delivery] = []
    while len(come) < PRESSES:
        come += waiting.take(1)
    stamps = [delivery.envelope.received_at for delivery in come]
    assert len(set(stamps)) == PRESSES
    assert stamps == sorted(stamps)
    assert waiting.seen_until() <= stamps[0]
    waiting.ack(come)
    until(lambda: waiting.seen_until() > stamps[0])  # as soon as its thread has looked again
