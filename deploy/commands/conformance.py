"""`carewatch conformance`: the vendor's checklist, against what a device sends right now."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import CarewatchError

if TYPE_CHECKING:
    from threading import Event

    from devices.conformance.checklist import Heard
    from devices.directory import Directory


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("conformance")(conformance)


def conformance(
    device: Annotated[str, typer.Option(help="The device whose messages are looked at.")],
    seconds: Annotated[float, typer.Option(help="How long to listen; Ctrl-C ends sooner.")] = 120,
    mqtt_url: Annotated[
        str | None, typer.Option(help="The broker; default: settings, or the running `up`.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a check.")] = False,
) -> None:
    """Listen to a device that speaks contract v1, and say what it still has to show.

    Press its button, cut its network, pull its plug meanwhile. Exit 1 while anything is to do.
    """
    import signal
    import threading

    import msgspec

    from deploy import logs
    from deploy.stack.running import parts
    from devices.conformance.checklist import Trial, judge, passed

    logs.configure("warning")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    broker, database = parts(mqtt_url)
    directory = _register(database)
    known = directory.devices.get(device) if directory else None
    topics = {f"carewatch/v1/+/+/{device}"} | ({known.topic} if known and known.topic else set())
    if not json:
        typer.echo(f"listening to {device} for {seconds:g} s: use it", err=True)
    heard = tuple(_listen(broker, topics, directory, seconds, ended))
    results = judge(Trial(device, known.kind if known else None, heard))
    for each in results:
        if json:
            typer.echo(msgspec.json.encode(each).decode())
        else:
            typer.echo(f"{each.state:6}  {each.check}{': ' * bool(each.says)}{each.says}")
    raise typer.Exit(0 if passed(results) else 1)


def _register(database: str) -> "Directory | None":
    import psycopg

    from devices.registry import load_directory

    if not database:
        return None
    try:
        with psycopg.connect(database, connect_timeout=5) as conn:
            return load_directory(conn)
    except psycopg.Error as error:
        why = type(error).__name__
        raise CarewatchError(
            f"the register can't be read ({why}): see `carewatch doctor`"
        ) from None


def _listen(
    broker: str, topics: set[str], directory: "Directory | None", seconds: float, ended: "Event"
) -> "Iterator[Heard]":
    import os
    import time

    from devices.conformance.checklist import Heard
    from ingest.admission.admit import admit
    from ingest.mqtt.connection import Address
    from ingest.mqtt.session import BEAT, Session

    name = f"carewatch-conformance-{os.getpid()}"
    session = Session(Address.of(broker), name, topics, clean=True)
    session.start()
    until = time.monotonic() + seconds
    while time.monotonic() < until and not ended.is_set():
        for delivery in (come := session.take(BEAT)):
            envelope = delivery.envelope
            admitted = admit(envelope, directory)
            yield Heard(
                topic=envelope.topic,
                payload=envelope.payload,
                received_at=envelope.received_at,
                qos=1 if delivery.packet_id else 0,
                readings=admitted.readings,
                rejections=admitted.rejections,
                redacted=admitted.redacted,
            )
        session.ack(come)
    session.stop()
