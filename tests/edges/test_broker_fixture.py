import socket

import pytest
from broker_fixtures import Broker

pytestmark = pytest.mark.edge


def test_the_broker_answers_and_comes_back_on_the_same_port(broker: Broker) -> None:
    port = broker.port
    broker.stop()
    broker.start()
    with socket.create_connection(("127.0.0.1", port), 5) as wire:
        wire.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01t")
        assert wire.recv(4) == b"\x20\x02\x00\x00"
