"""`carewatch record`: saves what the broker carries as a recording."""

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from threading import Event
from typing import Annotated, BinaryIO

import typer

from core.errors import CarewatchError
from deploy import logs
from deploy.stack.running import parts
from devices.broker_address import Address
from devices.connection import reach
from devices.recording import write_line
from ingest.lanes.crossing import BETWEEN_LANES
from ingest.mqtt.session import BEAT, Session


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("record")(record)


def record(
    file: Annotated[Path, typer.Argument(help='Where to; "-" is the standard output.')],
    topic: Annotated[str, typer.Option(help="Which messages: an MQTT filter.")] = "#",
    mqtt_url: Annotated[str | None, typer.Option(help="Default: CAREWATCH_MQTT_URL.")] = None,
    count: Annotated[int, typer.Option(help="End after so many; 0 = at Ctrl-C.")] = 0,
) -> None:
    """Write one line for each message, in the order received, until Ctrl-C or SIGTERM."""
    logs.configure("warning")  # to stderr: the standard output may be the recording
    url = parts(mqtt_url)[0]
    asyncio.run(reach(url))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        out = sys.stdout.buffer if str(file) == "-" else file.open("ab")
    except OSError as error:
        raise CarewatchError(f"{file}: can't be written ({error.strerror})") from None
    with out:
        written = _write(url, topic, count, out, ended)
    print(f"{written} messages recorded", file=sys.stderr)


def _write(url: str, topic: str, count: int, out: BinaryIO, ended: Event) -> int:
    """Record until `ended` or `count`; returns how many lines were written."""
    session = Session(Address.of(url), f"carewatch-record-{os.getpid()}", [topic], clean=True)
    session.start()
    written = 0
    while not ended.is_set() and not (count and written >= count):
        come = session.take(BEAT)
        for delivery in come:
            ours = delivery.envelope.topic.startswith(BETWEEN_LANES)
            if not ours and not (count and written >= count):
                out.write(write_line(delivery.envelope))
                written += 1
        out.flush()
        session.ack(come)
    session.stop()
    return written
