"""The session against a real Mosquitto: what is kept, what is given again, what is held back."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from broker_fixtures import Broker, free_port, listening

from devices.broker_address import Address
from ingest.lanes.crossing import NOTICE, TAKEN_BACK, Crossing, notice
from ingest.mqtt.packets import Publish
from ingest.mqtt.session import Delivery, Session, SessionHooks
from tests.bench.load import Load
from tests.clock import utc_now
from tests.waiting import until

pytestmark = pytest.mark.edge

Open = Callable[..., Session]


@pytest.fixture
def opened(broker: Broker) -> Iterator[Open]:
    """Opens sessions at the broker; all are stopped at the end."""
    sessions: list[Session] = []

    def start(
        client_id: str = "test", filters: tuple[str, ...] = ("#",), **more: object
    ) -> Session:
        session = Session(Address.of(broker.url), client_id, filters, **more)  # type: ignore[arg-type]
        session.start()
        sessions.append(session)
        until(lambda: session.listening)
        return session

    yield start
    for each in sessions:
        each.stop()


def publish(broker: Broker, count: int, topic: str = "t") -> None:
    Load(broker.port, lambda n: (topic, str(n).encode()), count, connections=1).run()


def taken(session: Session, count: int) -> list[Delivery]:
    found: list[Delivery] = []
    until(lambda: len(found.__iadd__(session.take(0.05))) >= count)
    return found


def acked(session: Session, count: int) -> list[Delivery]:
    found: list[Delivery] = []
    while len(found) < count:
        come = taken(session, 1)
        session.ack(come)
        found += come
    return found


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [int(each.envelope.payload) for each in deliveries]


def test_what_comes_is_delivered_in_order_with_one_stamp(broker: Broker, opened: Open) -> None:
    session = opened()
    before = utc_now()
    publish(broker, 300)
    found = taken(session, 300)
    assert numbers(found) == list(range(300))
    assert all(before <= each.envelope.received_at <= utc_now() for each in found)
    assert not any(each.envelope.dup or each.envelope.retain for each in found)


def test_what_was_not_acknowledged_comes_again_and_says_so(broker: Broker, opened: Open) -> None:
    first = opened()
    publish(broker, 10)
    first.ack(taken(first, 10)[:4])
    first.stop()
    again = taken(opened(), 6)
    assert numbers(again) == [4, 5, 6, 7, 8, 9]
    assert all(each.envelope.dup for each in again)


def test_what_was_acknowledged_before_a_stop_does_not_come_again(
    broker: Broker, opened: Open
) -> None:
    for n in range(20):  # the next session begins at once, while the broker may still be reading
        first = opened(f"again-{n}", (f"t/{n}",))
        publish(broker, 10, f"t/{n}")
        first.ack(taken(first, 10)[:4])
        first.stop()
        assert numbers(taken(opened(f"again-{n}", (f"t/{n}",)), 6)) == [4, 5, 6, 7, 8, 9]


def test_the_broker_keeps_what_comes_while_we_are_away(broker: Broker, opened: Open) -> None:
    opened().stop()
    publish(broker, 3_000)
    assert numbers(taken(opened(), 3_000)) == list(range(3_000))


def test_a_restart_of_the_broker_loses_nothing(broker: Broker, opened: Open) -> None:
    session = opened()
    publish(broker, 20)
    held = taken(session, 20)
    session.ack(held[:5])
    time.sleep(0.2)  # let the acknowledgements arrive
    broker.stop()
    publish_later = Load(broker.port, lambda n: ("t", str(100 + n).encode()), 10).start()
    broker.start()
    publish_later.wait(20)
    again = taken(session, 25)
    assert sorted(numbers(again)) == [*range(5, 20), *range(100, 110)]
    assert not any(session.current(each) for each in held)
    assert all(session.current(each) for each in again)


def test_an_old_acknowledgement_does_not_reach_a_new_connection(
    broker: Broker, opened: Open
) -> None:
    session = opened()
    publish(broker, 3)
    held = taken(session, 3)
    broker.stop()
    broker.start()
    again = taken(session, 3)
    session.ack(held)
    session.stop()
    assert numbers(again) == numbers(taken(opened(), 3)) == [0, 1, 2]


def test_what_a_broker_forgot_is_still_ours_to_store(broker: Broker, opened: Open) -> None:
    session = opened()
    publish(broker, 3)
    held = taken(session, 3)
    broker.kill()  # it had saved nothing yet
    broker.start()
    until(lambda: session.begun == 2)
    assert all(session.current(each) for each in held)


def test_no_more_is_held_than_the_window_allows(broker: Broker, opened: Open) -> None:
    session = opened(window=50)
    publish(broker, 20_000)
    time.sleep(0.5)
    # What came with the read that filled the window is taken too; the rest waits in the broker.
    assert 50 <= session.held < 12_000
    assert numbers(acked(session, 20_000)) == list(range(20_000))
    assert session.held == 0


def test_seen_until_waits_for_what_is_not_acknowledged(broker: Broker, opened: Open) -> None:
    session = opened()
    publish(broker, 2)
    first = taken(session, 2)
    time.sleep(0.6)
    assert session.seen_until() == first[0].envelope.received_at
    session.ack(first)
    until(lambda: session.seen_until() > first[-1].envelope.received_at)
    assert session.seen_until() <= utc_now()


def test_filters_change_while_it_runs(broker: Broker, opened: Open) -> None:
    session = opened(filters=("a/#", "b"))
    session.change(["b", "c/+"])
    until(lambda: session.confirmed == {"b", "c/+"} and session.listening)
    for topic in ("a/1", "b", "c/1"):
        publish(broker, 1, topic)
    assert {each.envelope.topic for each in taken(session, 2)} == {"b", "c/1"}
    assert session.take(0.2) == []


def test_the_life_sessions_notice_and_will_reach_a_bulk_session(
    broker: Broker, opened: Open
) -> None:
    def granted(filters: frozenset[str]) -> None:
        life.publish(NOTICE, notice(filters), retain=True)

    life = Session(
        Address.of(broker.url),
        "life",
        ["carewatch/v1/+/sos/+"],
        hooks=SessionHooks(granted=granted, will=TAKEN_BACK),
    )
    life.start()
    crossing = Crossing()
    bulk = opened("bulk", hooks=SessionHooks(consumes=crossing.consumes, connected=crossing.reset))
    until(lambda: crossing.covers("carewatch/v1/w/sos/btn"))
    publish(broker, 1, "carewatch/v1/w/sos/btn")
    assert [each.envelope.topic for each in taken(life, 1)] == ["carewatch/v1/w/sos/btn"]
    assert bulk.take(0.2) == []
    life.stop()
    until(lambda: not crossing.covers("carewatch/v1/w/sos/btn"))


def test_what_is_consumed_is_acknowledged(broker: Broker, opened: Open) -> None:
    def consumes(message: Publish) -> bool:
        return message.topic == "mine"

    session = opened(hooks=SessionHooks(consumes=consumes))
    publish(broker, 5, "mine")
    publish(broker, 1, "other")
    session.ack(taken(session, 1))
    session.stop()
    assert opened().take(0.3) == []


def test_a_wrong_password_is_named_and_tried_again(tmp_path: Path) -> None:
    guarded = Broker(tmp_path / "guarded")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "us", "right"], check=True)
    text = guarded.config.read_text().replace("allow_anonymous true", "allow_anonymous false")
    guarded.config.write_text(f"{text}password_file {passwords}\n")
    guarded.start()
    wrong = Session(Address.of(f"mqtt://us:wrong@127.0.0.1:{guarded.port}"), "a", ["#"])
    right = Session(Address.of(f"mqtt://us:right@127.0.0.1:{guarded.port}"), "b", ["#"])
    try:
        wrong.start()
        right.start()
        until(lambda: right.listening)
        assert not wrong.connected
    finally:
        wrong.stop()
        right.stop()
        guarded.stop()


def test_what_is_acknowledged_before_a_stop_does_not_come_again(
    broker: Broker, opened: Open
) -> None:
    opened().stop()
    publish(broker, 10_000)
    session, waiting = opened(), 10_000
    while waiting > 0:
        batch = session.take(20)
        session.ack(batch)
        waiting -= len(batch)
    session.stop()
    assert opened().take(1.0) == []


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
    secure = Broker(tmp_path / "secure")
    port = free_port()
    secure.config.write_text(
        f"{secure.config.read_text()}listener {port} 127.0.0.1\n"
        f"certfile {certificate}\nkeyfile {key}\n"
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    secure.start()
    until(lambda: listening(port))
    session = Session(Address.of(f"mqtts://localhost:{port}"), "tls", ["#"])
    try:
        session.start()
        until(lambda: session.listening)
        Load(secure.port, lambda n: ("t", b"x" * 5_000), 1_000, connections=1).run()
        assert {each.envelope.payload for each in acked(session, 1_000)} == {b"x" * 5_000}
    finally:
        session.stop()
        secure.stop()
