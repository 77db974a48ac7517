"""The tools' connection against a real Mosquitto: through an outage, refused, by TLS."""

import asyncio
import subprocess
import time
from pathlib import Path

import pytest
from broker_fixtures import Broker, free_port, listening

from core.errors import CarewatchError
from devices.broker_address import Address
from devices.connection import BrokerAway, Connection, reach
from ingest.mqtt.session import Session

pytestmark = pytest.mark.edge


def heard(broker: Broker, count: int) -> list[bytes]:
    """What a session that the broker has kept gets, up to `count` different payloads."""
    session = Session(Address.of(broker.url), "listener", ["t"])
    session.start()
    while not session.listening:
        time.sleep(0.01)
    payloads: dict[bytes, None] = {}
    until = time.monotonic() + 60
    while len(payloads) < count and time.monotonic() < until:
        batch = session.take(0.2)
        payloads |= dict.fromkeys(each.envelope.payload for each in batch)
        session.ack(batch)
    session.stop()
    return list(payloads)


def test_what_is_sent_through_an_outage_arrives_in_order(broker: Broker) -> None:
    async def send() -> None:
        async with Connection(broker.url) as connection:
            keeping = asyncio.create_task(connection.keep())
            for n in range(300):
                if n == 100:
                    await connection.settle()  # the whole window is free
                    broker.stop()
                if n == 110:  # within it: beyond, `send` waits
                    broker.start()
                await connection.send("t", str(n).encode(), timeout=None)
            await connection.settle()
            keeping.cancel()

    heard(broker, 0)  # makes the session
    asyncio.run(send())
    assert heard(broker, 300) == [str(n).encode() for n in range(300)]


def test_a_listener_hears_again_after_an_outage(broker: Broker) -> None:
    async def listen() -> bytes:
        async with Connection(broker.url, ["t"]) as listener, Connection(broker.url) as speaker:
            broker.stop()
            broker.start()
            keeping = asyncio.create_task(speaker.keep())
            speaking = asyncio.create_task(say_often(speaker))
            async for message in listener.messages():
                speaking.cancel()
                keeping.cancel()
                return message.payload
        return b""

    async def say_often(speaker: Connection) -> None:
        while True:
            await speaker.publish("t", b"back", timeout=None)
            await asyncio.sleep(0.1)

    assert asyncio.run(asyncio.wait_for(listen(), 60)) == b"back"


def test_a_message_that_the_broker_never_acknowledges_is_an_error(broker: Broker) -> None:
    async def publish() -> None:
        async with Connection(broker.url) as connection:
            broker.stop()
            await connection.publish("t", b"lost", timeout=0.2)

    with pytest.raises(CarewatchError, match="has not acknowledged"):
        asyncio.run(publish())


def test_no_broker_is_one_sentence_without_the_password() -> None:
    port = free_port()
    with pytest.raises(BrokerAway) as caught:
        asyncio.run(reach(f"mqtt://us:geheim@127.0.0.1:{port}"))
    assert str(caught.value) == (
        f"no broker at 127.0.0.1:{port} (Connection refused): start one, or set CAREWATCH_MQTT_URL"
    )


def test_a_broker_that_refuses_is_told_from_none(tmp_path: Path) -> None:
    guarded = Broker(tmp_path / "guarded")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "us", "right"], check=True)
    guarded.config.write_text(
        guarded.config.read_text().replace(
            "allow_anonymous true", f"allow_anonymous false\npassword_file {passwords}"
        )
    )
    guarded.start()
    try:
        asyncio.run(reach(f"mqtt://us:right@127.0.0.1:{guarded.port}"))
        with pytest.raises(BrokerAway, match="refused us") as caught:
            asyncio.run(reach(f"mqtt://us:geheim@127.0.0.1:{guarded.port}"))
        assert "geheim" not in str(caught.value)
    finally:
        guarded.stop()


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", key, "-out", certificate, "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    secure, port = Broker(tmp_path / "secure"), free_port()
    secure.config.write_text(
        f"{secure.config.read_text()}listener {port} 127.0.0.1\n"
        f"certfile {certificate}\nkeyfile {key}\n"
    )
    secure.start()
    until = time.monotonic() + 20
    while not listening(port) and time.monotonic() < until:
        time.sleep(0.02)
    try:
        with pytest.raises(BrokerAway):  # nobody we trust has signed for it
            asyncio.run(reach(f"mqtts://localhost:{port}"))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        asyncio.run(reach(f"mqtts://localhost:{port}"))
    finally:
        secure.stop()
