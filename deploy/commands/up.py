"""`carewatch up`: all services in one go, embedded parts for those with no URL set."""

from typing import Annotated

import typer

from deploy import logs
from deploy.stack.stack import run_stack


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("up")(up)


def up(
    demo: Annotated[bool, typer.Option("--demo", help="With a simulated town.")] = False,
) -> None:
    """Run all services. Ctrl-C ends them; the next start finds its data again."""
    logs.configure_console()
    run_stack(demo)
