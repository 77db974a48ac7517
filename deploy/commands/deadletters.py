"""`carewatch deadletters`: what could not be read, and reading it again after a mend."""

from datetime import datetime
from typing import Annotated

import typer

from core.errors import CarewatchError

app = typer.Typer(help="Rejected messages: list, show, decode again.", no_args_is_help=True)
Reason = Annotated[str | None, typer.Option(help="Only this reason: bad_value, not_json, ...")]
Family = Annotated[str | None, typer.Option(help="Only this family: contract, owntracks, ...")]
DeviceId = Annotated[str | None, typer.Option("--device", help="Only of this device.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
        help="Only received from then on; without an offset, in this machine's zone.",
    ),
]


def register(root: typer.Typer) -> None:
    """Add the command to the app."""
    root.add_typer(app, name="deadletters")


@app.command("list")
def list_(
    device: DeviceId = None,
    reason: Reason = None,
    family: Family = None,
    since: Since = None,
    all_: Annotated[bool, typer.Option("--all", help="Also those read since.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """List the newest rejected messages, one a line."""
    from deploy.database import connected
    from ingest.history import rejections

    with connected() as conn:
        found = rejections(
            conn,
            devices=_only(device),
            reason=reason,
            family=family,
            since=_aware(since),
            replayed=None if all_ else False,
            limit=limit,
        )
    for each in found:
        read = "  (read since)" if each.replayed_at else ""
        when = each.received_at.astimezone().isoformat(timespec="seconds")
        typer.echo(
            f"{each.n}  {when}  {each.family}  {each.reason}  {each.place}  {each.detail}{read}"
        )


@app.command()
def show(n: Annotated[int, typer.Argument(help="The number that `list` prints first.")]) -> None:
    """Show one rejected message as it came; pictures, templates and id numbers were cut out."""
    from deploy.database import connected
    from ingest.history import rejected

    with connected() as conn:
        found = rejected(conn, n)
    if found is None:
        raise CarewatchError(f"no rejected message {n}: see `carewatch deadletters list --all`")
    typer.echo(f"{'topic' if found.topic else 'http'}: {_printable(found.place)}")
    typer.echo(f"received_at: {found.received_at.astimezone().isoformat()}")
    typer.echo(
        f"family: {found.family}\nrejected: {found.reason}\ndetail: {_printable(found.detail)}"
    )
    if found.replayed_at:
        typer.echo(f"read since: {found.replayed_at.astimezone().isoformat(timespec='seconds')}")
    typer.echo()
    typer.echo(_printable(found.payload.decode("utf-8", "backslashreplace")))


@app.command()
def replay(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Only these; else all not read yet.")
    ] = None,
    device: DeviceId = None,
    reason: Reason = None,
    family: Family = None,
    since: Since = None,
) -> None:
    """Decode them again with today's codecs and register; what reads now is stored."""
    from deploy.database import connected
    from devices.registry import load_directory
    from ingest import deadletters

    with connected() as conn:
        directory = load_directory(conn)
        conn.commit()
        outcomes = deadletters.replay(
            conn,
            directory,
            numbers or None,
            devices=_only(device),
            reason=reason,
            family=family,
            since=_aware(since),
        )
    typer.echo(
        f"{outcomes['stored']} stored, {outcomes['duplicate']} stored before,"
        f" {outcomes['ignored']} say nothing we keep, {outcomes['rejected']} still rejected"
    )


def _only(device: str | None) -> list[str] | None:
    return None if device is None else [device]


def _aware(moment: datetime | None) -> datetime | None:
    return moment.astimezone() if moment is not None else None


def _printable(text: str) -> str:
    """Return the text without what would drive a terminal."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text
    )
