"""`carewatch conformance`: the vendor's checklist, against what a device sends right now."""

from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import CarewatchError

if TYPE_CHECKING:
    from devices.conformance.checklist import DeviceMessage
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
    import msgspec

    from deploy.stack.running import parts
    from deploy.stopping import run_until_stopped
    from devices.conformance.checklist import ConformanceRun, DeviceMessage, judge, passed

    broker, database = parts(mqtt_url)
    directory = _register(database)
    known = directory.devices.get(device) if directory else None
    topics = {f"carewatch/v1/+/+/{device}"} | ({known.topic} if known and known.topic else set())
    if not json:
        typer.echo(f"listening to {device} for {seconds:g} s: use it", err=True)
    heard: list[DeviceMessage] = []
    run_until_stopped(_listen(broker, topics, directory, seconds, heard))
    results = judge(ConformanceRun(device, known.kind if known else None, tuple(heard)))
    for each in results:
        if json:
            typer.echo(msgspec.json.encode(each).decode())
        else:
            typer.echo(f"{each.state:6}  {each.check}{': ' * bool(each.says)}{each.says}")
    raise typer.Exit(0 if passed(results) else 1)


def _register(database: str) -> "Directory | None":
    import psycopg

    from core.database import connect
    from devices.registry import load_directory

    if not database:
        return None
    try:
        with connect(database, "carewatch conformance") as conn:
            return load_directory(conn)
    except psycopg.Error as error:
        why = type(error).__name__
        raise CarewatchError(
            f"the register can't be read ({why}): see `carewatch doctor`"
        ) from None


async def _listen(
    broker: str,
    topics: set[str],
    directory: "Directory | None",
    seconds: float,
    heard: "list[DeviceMessage]",
) -> None:
    """Put what comes into `heard`, for so many seconds. Raise CarewatchError when the broker is
    away."""
    import asyncio
    import os
    from contextlib import suppress

    from devices.conformance.checklist import DeviceMessage
    from devices.connection import Connection, envelopes
    from ingest.admission.admit import admit

    name = f"carewatch-conformance-{os.getpid()}"
    async with Connection(broker, topics, name) as connection:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for envelope, qos in envelopes(connection):
                    admitted = admit(envelope, directory)
                    heard.append(
                        DeviceMessage(
                            topic=envelope.topic,
                            payload=envelope.payload,
                            received_at=envelope.received_at,
                            qos=qos,
                            readings=admitted.readings,
                            rejections=admitted.rejections,
                            redacted=admitted.redacted,
                        )
                    )
