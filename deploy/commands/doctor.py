"""`carewatch doctor`: what is wrong with this installation, and the mend."""

import typer

from deploy import logs
from deploy.checkup import check_up


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("doctor")(doctor)


def doctor() -> None:
    """Check settings, broker, database, clock, services, messages, rota. Exit 1 on any fault."""
    logs.configure("warning")  # to stderr
    found = list(check_up())
    for checked in found:
        typer.echo(f"{checked.mark}  {checked.what}: {checked.says}")
        if checked.mend:
            typer.echo(f"      mend: {checked.mend}")
    raise typer.Exit(1 if any(checked.mark == "!!" for checked in found) else 0)
