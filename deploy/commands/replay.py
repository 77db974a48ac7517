"""`carewatch replay`: publishes a recording again, at its own pace or faster."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessageInfo

    from devices.envelope import Envelope

WAITING = 1_000  # publishes not yet acknowledged by the broker, at most
ANSWER_TIME = 30.0  # seconds the broker may take to acknowledge one


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
    from deploy.settings import load_settings
    from deploy.stack.running import parts
    from devices.recording import read_recording
    from devices.simulator.publish import Publisher
    from devices.simulator.speech import Message

    settings = load_settings()
    messages, requests = 0, 0
    waiting: deque[MQTTMessageInfo] = deque()
    with Publisher(parts(mqtt_url)[0]) as publisher:
        for envelope in _paced(read_recording(file), speed):
            if envelope.http is None:
                said = Message(envelope.topic, envelope.payload, envelope.retain)
                waiting.append(publisher.publish(said))
                messages += 1
            else:
                _request(http_url or settings.base_url, envelope)
                requests += 1
            if len(waiting) > WAITING:
                _confirm(waiting.popleft())
        for each in waiting:
            _confirm(each)
    typer.echo(f"{messages} messages published, {requests} requests sent")


def _confirm(publish: "MQTTMessageInfo") -> None:
    from core.errors import CarewatchError

    publish.wait_for_publish(ANSWER_TIME)
    if not publish.is_published():
        raise CarewatchError(
            f"the broker has not acknowledged a message within {ANSWER_TIME:.0f} s: "
            "see its log, then replay again (what is stored twice becomes one row)"
        )


def _paced(lines: "Iterator[tuple[int, Envelope]]", speed: float) -> "Iterator[Envelope]":
    """The messages, each when its time has come."""
    import time

    began = time.monotonic()
    first = None
    for _, envelope in lines:
        first = first or envelope.received_at
        if speed:
            due = (envelope.received_at - first).total_seconds() / speed
            time.sleep(max(0.0, began + due - time.monotonic()))
        yield envelope


def _request(base: str, envelope: "Envelope") -> None:
    import httpx

    from core.errors import CarewatchError

    assert envelope.http is not None
    kind = {"Content-Type": envelope.http.content_type} if envelope.http.content_type else {}
    try:
        httpx.request(
            envelope.http.method, base + envelope.http.path, content=envelope.payload, headers=kind
        )
    except httpx.HTTPError as error:
        raise CarewatchError(f"{base} does not answer: {type(error).__name__}") from None
