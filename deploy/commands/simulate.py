"""`carewatch simulate`: a town of devices on any broker, and things that go wrong on demand."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from deploy.town.townfile import TownFile
    from devices.directory import Directory
    from devices.simulator.rounds import Round
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
) -> None:
    """Let every device of the town speak until Ctrl-C."""
    from deploy.stack.running import where
    from deploy.stopping import run_until_stopped
    from devices.simulator.publish import run

    context.obj = where(mqtt_url, town)
    if context.invoked_subcommand is not None:
        return
    end = datetime.now(UTC) + timedelta(days=DAYS_AHEAD - 1)
    run_until_stopped(run(context.obj.mqtt_url, _simulated(context.obj.town, seed), end))


@app.command()
def press(
    context: typer.Context,
    button: Annotated[str, typer.Argument(help="The button's device id, such as btn-c1.")],
    how: Annotated[str, typer.Option(help="short, long, double, test or cancel.")] = "short",
) -> None:
    """Press an emergency button: an SOS."""
    from core.errors import CarewatchError
    from deploy.town.townfile import directory_of
    from devices.simulator.publish import say
    from devices.simulator.speech import press as spoken

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
    from devices.simulator.publish import Wish, say, wished

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
    import psycopg

    from alerts.plans.plans import add_visit
    from alerts.types import PlannedVisit

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


def _simulated(town: "TownFile", seed: int) -> "SimulatedTown":
    from deploy.town.townfile import directory_of
    from devices.simulator.town import SimulatedTown

    now = datetime.now(UTC)
    directory = directory_of(town)
    return SimulatedTown(directory, rounds_of(town, directory, now), now, seed)


def rounds_of(town: "TownFile", directory: "Directory", now: datetime) -> dict[str, "Round"]:
    """Return every caregiver's round over yesterday and the days ahead, from the town's visit
    plans."""
    from alerts.visits.calendar import laid_out
    from devices.simulator.rounds import Call, Round

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
