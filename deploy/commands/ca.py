"""`carewatch ca`: a private certificate authority for broker and devices."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="A private certificate authority: for the broker, and for devices with certificates.",
    no_args_is_help=True,
)
Home = Annotated[
    Path, typer.Option("--dir", help="Where its files are; keep ca.key off the broker.")
]
HOME = Path("certs")


def register(root: typer.Typer) -> None:
    """Add the command to the app."""
    root.add_typer(app, name="ca")


@app.command()
def init(
    home: Home = HOME,
    renew: Annotated[
        bool, typer.Option("--renew", help="Make the next authority; both are trusted.")
    ] = False,
) -> None:
    """Make the authority: ca.key, ca.pem, and ca.crt, which broker and clients trust."""
    from deploy.authority import Authority, now

    authority = Authority(home)
    if renew:
        authority.renew(now())
    else:
        authority.begin(now())
    typer.echo(f"{authority.bundle}: give it to the broker and to every client")


@app.command()
def retire(home: Home = HOME) -> None:
    """Trust the newest authority alone, once broker and clients have certificates of it."""
    from deploy.authority import Authority

    authority = Authority(home)
    authority.retire()
    typer.echo(f"{authority.bundle}: holds the newest authority alone")


@app.command()
def broker(
    names: Annotated[list[str], typer.Argument(help="Its DNS names and IP addresses.")],
    home: Home = HOME,
    days: Annotated[int, typer.Option(min=1, help="How long it is valid.")] = 397,
) -> None:
    """Issue the broker's certificate: server.key and server.crt."""
    from deploy.authority import Authority, now

    Authority(home).issue_broker(names, now(), days)
    typer.echo(f"{home / 'server.crt'}: for {', '.join(names)}, {days} days")


@app.command()
def client(
    device: Annotated[str, typer.Argument(help="The device's id: its account at the broker.")],
    home: Home = HOME,
    days: Annotated[int, typer.Option(min=1, help="How long it is valid.")] = 1095,
) -> None:
    """Issue a device's certificate: DEVICE.key and DEVICE.crt."""
    from core.errors import CarewatchError
    from deploy.authority import Authority, now
    from devices.names import DEVICE_ID, is_reserved, reserved_fault

    if not DEVICE_ID.fullmatch(device) or device.startswith("."):
        raise CarewatchError(f"device {device!r}: an id has no spaces and none of / + #")
    if is_reserved(device):
        raise CarewatchError(reserved_fault(device))
    if device in ("ca", "server"):
        raise CarewatchError(f"device {device!r}: its files would be those of the authority")
    Authority(home).issue_client(device, now(), days)
    typer.echo(f"{home / device}.crt: {days} days")
