"""`carewatch replay`: publishes a recording again, at its own pace or faster."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

import httpx
import typer

from core.errors import CarewatchError
from deploy.settings import load_settings
from deploy.stack.running import parts
from deploy.stopping import run_until_stopped
from devices.connection import Connection
from devices.envelope import Envelope
from devices.recording import read_recording

STOPPED = 130  # exit status of a command that a signal has ended


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("replay")(replay)


def replay(
    file: Annotated[Path, typer.Argument(help="A recording (JSON lines).")],
    speed: Annotated[
        float, typer.Option(help="1 = as it was, 60 = a minute a second, 0 = at once.", min=0)
    ] = 1.0,
    mqtt_url: Annotated[str | None, typer.Option(help="Default: CAREWATCH_MQTT_URL.")] = None,
    http_url: Annotated[
        str | None, typer.Option(help="Where HTTP messages go; default: CAREWATCH_PUBLIC_URL.")
    ] = None,
) -> None:
    """Publish each message of FILE at QoS 1 (HTTP messages by HTTP) and wait for the answers."""
    settings = load_settings()
    stopped = run_until_stopped(
        _replay(file, speed, parts(mqtt_url)[0], http_url or settings.base_url)
    )
    if stopped:
        raise typer.Exit(STOPPED)


async def _replay(file: Path, speed: float, broker: str, http: str) -> None:
    messages, requests = 0, 0
    async with Connection(broker) as connection:
        keeping = asyncio.create_task(connection.keep())
        try:
            async for envelope in _paced(read_recording(file), speed):
                if envelope.http is None:
                    await connection.send(envelope.topic, envelope.payload, retain=envelope.retain)
                    messages += 1
                else:
                    await asyncio.to_thread(_request, http, envelope)
                    requests += 1
            await connection.settle()
        finally:
            keeping.cancel()
    typer.echo(f"{messages} messages published, {requests} requests sent")


async def _paced(lines: Iterator[tuple[int, Envelope]], speed: float) -> AsyncIterator[Envelope]:
    """The messages, each when its time has come."""
    began = time.monotonic()
    first = None
    for _, envelope in lines:
        first = first or envelope.received_at
        if speed:
            due = (envelope.received_at - first).total_seconds() / speed
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        yield envelope


def _request(base: str, envelope: Envelope) -> None:
    assert envelope.http is not None
    kind = {"Content-Type": envelope.http.content_type} if envelope.http.content_type else {}
    try:
        httpx.request(
            envelope.http.method, base + envelope.http.path, content=envelope.payload, headers=kind
        )
    except httpx.HTTPError as error:
        raise CarewatchError(f"{base} does not answer: {type(error).__name__}") from None
