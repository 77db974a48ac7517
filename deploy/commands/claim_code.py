"""`carewatch device claim-code`: one code for a box of devices, each of which claims by it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import psycopg
import typer

from deploy import broker_accounts, logs
from deploy.claiming import codes
from deploy.claiming.codes import ClaimCode, NewCode
from deploy.claiming.exchange import release as release_device
from deploy.database import connected
from deploy.stack.running import control_url
from devices.directory import DeviceKind

app = typer.Typer(
    help="Codes by which the devices of a box get their secrets themselves.", no_args_is_help=True
)
Code = Annotated[str, typer.Argument(help="The code's first six letters, or all of it.")]


@app.command()
def create(
    kind: Annotated[DeviceKind, typer.Option(help="What the devices are.")],
    devices: Annotated[int, typer.Option(help="How many may claim by it.")],
    days: Annotated[float, typer.Option(help="How long it serves.")] = 30,
    holder: Annotated[str | None, typer.Option(help="Whose they are: facility:f-1.")] = None,
    site: Annotated[str, typer.Option(help="Behind carewatch/v1/ in their topics.")] = "home",
    prefix: Annotated[str, typer.Option(help="Of their ids: prefix + serial number.")] = "",
    model: Annotated[str, typer.Option(help="Their model, for error summaries.")] = "",
) -> None:
    """Make a code, shown once."""
    new = NewCode(
        kind=kind,
        devices=devices,
        lasts=timedelta(days=days),
        holder=holder,
        site=site,
        prefix=prefix,
        model=model,
    )
    with connected() as conn:
        code = codes.create(conn, new, datetime.now(UTC))
    typer.echo(f"code    {code}\nfor {devices} devices; the code is not shown again.")


@app.command("list")
def list_codes(
    code: Annotated[str, typer.Argument(help="Show the devices of this one.")] = "",
) -> None:
    """List all codes, or the devices that have claimed by one."""
    now = datetime.now(UTC)
    with connected() as conn:
        lines = _devices(conn, code) if code else [_line(each, now) for each in codes.codes(conn)]
    head = ("device", "serial", "claimed", "last", "times", "from") if code else COLUMNS
    typer.echo("\n".join(["\t".join(head), *lines]))


@app.command()
def revoke(
    code: Code,
    with_devices: Annotated[
        bool, typer.Option("--with-devices", help="Shut out all that claimed by it as well.")
    ] = False,
) -> None:
    """End a code: nobody claims by it any more. What was claimed goes on, unless it is told not to.

    The live sessions of devices that are shut out end within five seconds.
    """
    logs.configure("warning")
    url = control_url()
    with connected() as conn:
        ended = codes.revoke_code(conn, codes.taken_apart(code)[0], datetime.now(UTC))
        conn.commit()
        claimed = [each.device for each in codes.claimed_devices(conn, ended.id)]
        gone = broker_accounts.shut_out_all(conn, claimed, url) if with_devices else 0
    typer.echo(f"{ended.id.upper()}: revoked" + (f", and {gone} devices" if with_devices else ""))


@app.command()
def release(
    device: Annotated[str, typer.Argument(help="A device that has claimed.")],
) -> None:
    """Take back what a device has claimed: its secret ends, and its serial may claim anew.

    For a device that was reset and has lost its nonce.
    """
    logs.configure("warning")
    with connected() as conn:
        release_device(conn, device, control_url())
    typer.echo(f"{device}: released")


COLUMNS = ("code", "kind", "holder", "site", "prefix", "model", "claimed", "until", "state")


def _line(code: ClaimCode, now: datetime) -> str:
    named = (code.id.upper(), code.kind, code.holder or "-", code.site)
    told = (code.prefix or "-", code.model or "-", f"{code.claimed} of {code.devices}")
    return "\t".join((*named, *told, _utc(code.expires_at), code.state(now)))


def _devices(conn: psycopg.Connection, code: str) -> list[str]:
    return [
        "\t".join(
            (
                *(each.device, each.serial, _utc(each.claimed_at), _utc(each.last_at)),
                *(str(each.times), each.address or "-"),
            )
        )
        for each in codes.claimed_devices(conn, codes.taken_apart(code)[0])
    ]


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
