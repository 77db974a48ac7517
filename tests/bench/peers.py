"""What ours is set beside: paho doing nothing, and the script that tutorials teach."""

import json
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from tests.bench.load_process import Crowd, Traffic
from tests.bench.rig import Rig
from tests.clock import epoch_now

HERE = multiprocessing.get_context("spawn")
FILTER = "carewatch/v1/#"
Peer = Callable[[int, str, int, Connection], None]


def null_subscriber(port: int, _: str, total: int, pipe: Connection) -> None:
    """Takes `total` messages, acknowledges each by hand, and does nothing else."""

    def take(client: mqtt.Client, message: mqtt.MQTTMessage) -> None:
        client.ack(message.mid, message.qos)

    _consume(port, total, pipe, take, manual_ack=True)


def tutorial(port: int, database: str, total: int, pipe: Connection) -> None:
    """One INSERT and one commit in the callback, as the first hits of any search teach it.

    It acknowledges when the callback returns, so here it loses nothing; with the database away it
    would lose every message. It has no idea of repeats, devices, clocks or rules.
    """
    with psycopg.connect(database) as conn:

        def take(_: mqtt.Client, message: mqtt.MQTTMessage) -> None:
            kind, device = message.topic.split("/")[-2:]
            said = json.loads(message.payload)
            conn.execute(
                "INSERT INTO tutorial (device, kind, at, said) VALUES (%s, %s, %s, %s)",
                (device, kind, said["at"], json.dumps(said)),
            )
            conn.commit()

        _consume(port, total, pipe, take, manual_ack=False)


def _consume(
    port: int,
    total: int,
    pipe: Connection,
    take: Callable[[mqtt.Client, mqtt.MQTTMessage], None],
    *,
    manual_ack: bool,
) -> None:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        "carewatch-bench-peer",
        clean_session=True,
        manual_ack=manual_ack,
    )
    taken = 0

    def on_message(client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        nonlocal taken
        take(client, message)
        taken += 1
        if taken == total:
            pipe.send((epoch_now(), time.process_time()))
            client.disconnect()

    client.on_connect = lambda client, *_: client.subscribe(FILTER, qos=1)
    client.on_subscribe = lambda *_: pipe.send("ready")
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_forever()


def run(rig: Rig, peer: Peer, total: int) -> tuple[float, float]:
    """Let a peer take a burst: messages a second from the first publish to the last one done, and
    its CPU microseconds a message. Raises TimeoutError when it does not get through."""
    ours, theirs = HERE.Pipe()
    process = HERE.Process(
        target=peer, args=(rig.broker.port, rig.postgres.url, total, theirs), daemon=True
    )
    process.start()
    try:
        ours.recv()
        with Crowd(rig.broker.port, Traffic(total)) as crowd:
            if not ours.poll(600):
                raise TimeoutError(f"{peer.__name__} has not taken its {total} messages")
            ended, cpu = ours.recv()
            return total / (ended - crowd.began), 1e6 * cpu / total
    finally:
        process.terminate()
        process.join()


def make_table(conn: psycopg.Connection) -> None:
    """The table that the tutorial's script writes to."""
    conn.execute(
        "CREATE TABLE tutorial (n bigserial PRIMARY KEY, device text, kind text,"
        " at timestamptz, said jsonb)"
    )
