"""The `carewatch` command: one Typer app; each command lives in its own file in `deploy/commands`.

A command's file is imported when the command is asked for, so it may import what it needs.
A `CarewatchError` or a mistyped command is printed as one line and ends with exit status 2;
nothing else is caught.
"""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from core.errors import CarewatchError
from deploy.invocation import version

COMMANDS = (
    "up",
    "migrate",
    "ingest",
    "alerts",
    "dashboards",
    "sign-in",
    "record",
    "replay",
    "load",
    "decode",
    "backtest",
    "deadletters",
    "device",
    "ca",
    "conformance",
    "simulate",
    "doctor",
)  # in the order of `--help`; "sign-in" is deploy/commands/sign_in.py


class CommandsOnDemand(Mapping[str, Any]):
    """The commands by their names; a command's module is imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        alone = typer.Typer(pretty_exceptions_enable=False)
        importlib.import_module(f"deploy.commands.{name.replace('-', '_')}").register(alone)
        return typer.main.get_group(alone).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class CommandGroup(TyperGroup):
    """A group that knows the names of its commands and imports only the one that is run."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = CommandsOnDemand()  # type: ignore[assignment]


app = typer.Typer(
    name="carewatch",
    cls=CommandGroup,
    help="From a device's message to a person who answers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"carewatch {version()}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options that stand before every command."""


def main() -> None:
    """Run the command; a mendable error is one line on stderr and exit status 2."""
    os.environ["PGTZ"] = "UTC"  # all our sessions: moments come as they were put in
    try:
        sys.exit(app(prog_name="carewatch", standalone_mode=False))
    except CarewatchError as error:
        said = str(error)
    except TyperException as wrong:  # mistyped; without a message its help was printed
        context = getattr(wrong, "ctx", None)
        command = context.command_path if context is not None else "carewatch"
        said = wrong.format_message().rstrip(".")
        said = said and f"{said}; see `{command} --help`"
    if said:
        print(f"carewatch: {said}", file=sys.stderr)
    sys.exit(2)
