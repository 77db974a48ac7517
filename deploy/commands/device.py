"""`carewatch device`: credentials for single devices, and devices that no town file names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import psycopg
import typer

from deploy import broker_accounts, logs
from deploy.broker_files import exported, write_into
from deploy.commands import claim_code
from deploy.database import connected
from deploy.device_list import device_lines
from deploy.settings import load_settings
from deploy.stack.running import control_url
from devices.broker_access import SERVICE
from devices.broker_address import Address
from devices.credentials import credentials
from devices.directory import Device, DeviceKind
from ingest.history import latest

app = typer.Typer(
    help="Credentials for one device; devices that no town file names.", no_args_is_help=True
)
Form = Literal["passwords", "acl", "dynsec"]  # as in deploy.broker_files
Id = Annotated[str, typer.Argument(help="The device's id, the last part of its contract topic.")]


def register(root: typer.Typer) -> None:
    """Add the command to the app."""
    app.add_typer(claim_code.app, name="claim-code")
    root.add_typer(app, name="device")


@app.command()
def add(
    id: Id,
    kind: Annotated[DeviceKind | None, typer.Option(help="What it is, when it is new.")] = None,
    holder: Annotated[str | None, typer.Option(help="Whose it is: client:c-1.")] = None,
    topic: Annotated[str | None, typer.Option(help="Its topic, if not a contract one.")] = None,
    vendor: Annotated[str, typer.Option(help="Who made it; they see it on the console.")] = "",
    model: Annotated[str, typer.Option(help="What its maker calls it.")] = "",
) -> None:
    """Give a device its secret, shown once; a device that is not registered yet is added."""
    device = Device(id=id, kind=kind, holder=holder, topic=topic, vendor=vendor, model=model)
    with _connected() as conn:
        secret = broker_accounts.add(conn, device, _control_url())
    _show_once(id, secret)


@app.command()
def rotate(id: Id) -> None:
    """Give a device a new secret, shown once; the old one no longer serves."""
    with _connected() as conn:
        secret = broker_accounts.rotate(conn, id, _control_url())
    _show_once(id, secret)


@app.command()
def revoke(id: Id) -> None:
    """Shut a device out: its secret no longer serves, and its live session ends."""
    control_url = _control_url()
    with _connected() as conn:
        broker_accounts.shut_out(conn, id, control_url)
    by_hand = "" if control_url else "; export to the broker again, and end its connection there"
    typer.echo(f"{id}: revoked{by_hand}")


@app.command()
def remove(id: Id) -> None:
    """Take a device out that was added by hand. One of the town file goes with the file."""
    with _connected() as conn:
        broker_accounts.take_out(conn, id, _control_url())
    typer.echo(f"{id}: removed")


@app.command("list")
def list_devices() -> None:
    """List all devices: whose they are, who may sign in, when last heard, and whose
    clock is off."""
    with _connected() as conn:
        for line in device_lines(credentials(conn), latest(conn)):
            typer.echo(line)


@app.command()
def export(
    form: Annotated[Form, typer.Argument(help="What the broker reads.")],
    into: Annotated[
        Path | None,
        typer.Option(help="The broker's file, written anew; accounts that are not ours are kept."),
    ] = None,
) -> None:
    """Give all active credentials, hashed, in a form that Mosquitto reads.

    A password file gets the services' account as well, with the secret of CAREWATCH_MQTT_URL.

    Print it, or write it into a file: as a whole, so that the broker never reads a part.
    """
    with _connected() as conn:
        known = credentials(conn)
    if into is None:
        typer.echo(exported(form, known, service_secret=_service_secret()), nl=False)
        return
    write_into(into, form, known, _service_secret())
    typer.echo(f"{into}: written", err=True)


@contextmanager
def _connected() -> Iterator[psycopg.Connection]:
    with connected() as conn:
        yield conn


def _control_url() -> str | None:
    logs.configure("warning")  # to stderr
    return control_url()


def _service_secret() -> str | None:
    """Return what the services sign in with at the broker, where it is their usual account."""
    url = load_settings().broker_url()
    address = Address.of(url) if url else None
    return address.password if address is not None and address.user == SERVICE else None


def _show_once(device: str, secret: str) -> None:
    typer.echo(f"user    {device}\nsecret  {secret}\nThe secret is not shown again.")
