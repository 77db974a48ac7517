"""The `carewatch` command: one Typer app; each command lives in its own file in `deploy/commands`.

A `CarewatchError` is printed as one line and ends with exit status 2; nothing else is caught.
"""

import importlib
import sys

import typer

from devices.errors import CarewatchError

COMMANDS = (
    "up",
    "migrate",
    "ingest",
    "alerts",
    "dashboards",
    "signin",
    "record",
    "replay",
    "load",
    "decode",
    "backtest",
    "deadletters",
    "device",
    "simulate",
    "doctor",
)  # module names under deploy.commands, in the order of `--help`

app = typer.Typer(
    name="carewatch",
    help="From a device's message to a person who answers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _name in COMMANDS:
    importlib.import_module(f"deploy.commands.{_name}").register(app)


def main() -> None:
    """Run the command; a mendable error is one line on stderr and exit status 2."""
    try:
        app()
    except CarewatchError as error:
        print(f"carewatch: {error}", file=sys.stderr)
        sys.exit(2)
