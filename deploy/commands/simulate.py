"""`carewatch simulate`: a town of devices on any broker, and things that go wrong on demand."""

import asyncio
import math
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import psycopg
import typer

from alerts.plans.plans import add_visit
from alerts.types import PlannedVisit
from alerts.visits.calendar import laid_out
from core.errors import CarewatchError
from deploy.stack.running import parts, where
from deploy.stopping import run_until_stopped
from deploy.town.townfile import TownFile, directory_of
from devices.directory import DeviceKind, Directory
from devices.simulator.misbehaviour import WAYS, Way, ways_of
from devices.simulator.one_device import Speaker, speak_by_http, speak_by_mqtt
from devices.simulator.publish import Wish, run, say, wished
from devices.simulator.rounds import Call, Round
from devices.simulator.speech import press as spoken
from devices.simulator.town import SimulatedTown

DAYS_AHEAD = 8  # days of rounds worked out; it ends a day before, and `up` starts it again

app = typer.Typer(
    help="A simulated town, against any broker; and an SOS, a breach or a missed visit on demand.",
    invoke_without_command=True,
)

TownOption = Annotated[Path | None, typer.Option("--town", help="The town file to play.")]
BrokerOption = Annotated[
    str | None,
    typer.Option("--mqtt-url", help="The broker; default: settings, or the running `up`."),
]


def register(root: typer.Typer) -> None:
    """Add the command to the app."""
    root.add_typer(app, name="simulate")


@app.callback()
def simulate(
    context: typer.Context,
    town: TownOption = None,
    mqtt_url: BrokerOption = None,
    seed: Annotated[int, typer.Option(help="The same seed plays the same day.")] = 1,
    misbehave: Annotated[
        str, typer.Option(help=f"How devices go wrong, separated by commas: {', '.join(WAYS)}.")
    ] = "",
    device: Annotated[
        str, typer.Option(help="Play this one device, with an account of its own.")
    ] = "",
    secret: Annotated[
        str, typer.Option(envvar="CAREWATCH_DEVICE_SECRET", help="The device's secret.")
    ] = "",
    kind: Annotated[DeviceKind, typer.Option(help="What the one device is.")] = "terminal",
    http_url: Annotated[str, typer.Option(help="It posts to this address, not by MQTT.")] = "",
    beat: Annotated[float, typer.Option(min=0.5, help="Seconds of its beat.")] = 60,
    seconds: Annotated[float, typer.Option(min=0, help="It ends by then; 0: Ctrl-C.")] = 0,
) -> None:
    """Let every device of the town speak until Ctrl-C, or one device alone."""
    ways = ways_of(misbehave)
    if device:
        speaker = Speaker(device=device, secret=secret, kind=kind, beat=beat)
        run_until_stopped(_one(speaker, mqtt_url, http_url, ways, seconds))
        return
    context.obj = where(mqtt_url, town)
    if context.invoked_subcommand is not None:
        return
    end = datetime.now(UTC) + timedelta(days=DAYS_AHEAD - 1)
    run_until_stopped(run(context.obj.mqtt_url, _simulated(context.obj.town, seed), end, ways))


@app.command()
def press(
    context: typer.Context,
    button: Annotated[str, typer.Argument(help="The button's device id, such as btn-c1.")],
    how: Annotated[str, typer.Option(help="short, long, double, test or cancel.")] = "short",
) -> None:
    """Press an emergency button: an SOS."""
    device = directory_of(context.obj.town).devices.get(button)
    if device is None or device.kind != "sos":
        raise CarewatchError(f"{button}: no such button in the town; try btn-c1")
    now = datetime.now(UTC)
    message = spoken(device, "town", f"press-{now.timestamp():.3f}", now, how)
    asyncio.run(say(context.obj.mqtt_url, message))
    typer.echo(f"{button} pressed ({how}): look at the wall")


@app.command()
def breach(
    context: typer.Context,
    client: Annotated[str, typer.Argument(help="A client with a tracker and a fence.")] = "c-7",
    seconds: Annotated[float, typer.Option(help="How long the client stays away.")] = 120,
) -> None:
    """Let a client ride out of the fence (the running simulator moves the tracker)."""
    asyncio.run(say(context.obj.mqtt_url, wished(Wish(client=client, seconds=seconds))))
    typer.echo(
        f"{client} rides off and is back in {seconds:.0f} s: the fence is breached in about 45 s"
    )


@app.command()
def miss(
    context: typer.Context,
    client: Annotated[str, typer.Argument(help="The client nobody comes to.")] = "c-3",
) -> None:
    """Plan a visit whose window ends in half a minute, and which nobody keeps."""
    now = datetime.now(UTC)
    visit = PlannedVisit(
        id=f"v-miss-{now:%H%M%S}",
        client=client,
        start=now - timedelta(minutes=5),
        end=now + timedelta(seconds=30),
        minutes=5,
    )
    with psycopg.connect(context.obj.database_url) as conn:
        add_visit(conn, visit, by="simulate")
    typer.echo(f"{visit.id} for {client}: its window ends in 30 s, the alert comes after the grace")


async def _one(
    speaker: Speaker, mqtt_url: str | None, http_url: str, ways: frozenset[Way], seconds: float
) -> None:
    until = time.monotonic() + seconds if seconds else math.inf
    if http_url:
        said = await speak_by_http(speaker, http_url, ways, until)
    else:
        said = await speak_by_mqtt(speaker, parts(mqtt_url)[0], ways, until)
    typer.echo(f"{speaker.device}: {said} messages said")


def _simulated(town: TownFile, seed: int) -> SimulatedTown:
    now = datetime.now(UTC)
    directory = directory_of(town)
    return SimulatedTown(directory, rounds_of(town, directory, now), now, seed)


def rounds_of(town: TownFile, directory: Directory, now: datetime) -> dict[str, "Round"]:
    """Return every caregiver's round over yesterday and the days ahead, from the town's visit
    plans."""
    zone = ZoneInfo(town.timezone)
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=n) for n in range(-1, DAYS_AHEAD)]
    calls: dict[str, list[Call]] = {}
    for visit in laid_out(town.plans.visits, days, zone):
        client = directory.clients.get(visit.client)
        if visit.caregiver is None or client is None or client.home is None:
            continue
        home = client.home
        call = Call(visit.id, client.id, home.lat, home.lon, visit.start, visit.end, visit.minutes)
        calls.setdefault(visit.caregiver, []).append(call)
    return {
        caregiver.id: Round((caregiver.base.lat, caregiver.base.lon), calls.get(caregiver.id, []))
        for caregiver in directory.caregivers
        if caregiver.base is not None
    }
