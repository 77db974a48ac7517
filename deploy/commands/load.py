"""`carewatch load`: the town file into the database, or only checked."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from deploy.database import connected
from deploy.file_settings import kept_text
from deploy.town.loading import load_town
from deploy.town.townfile import read_town

SHOWN = 20  # warnings printed; the rest is counted


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("load")(load)


def load(
    town: Annotated[Path, typer.Argument(help="The town file (YAML).")],
    check: Annotated[bool, typer.Option("--check", help="Only check it; no database.")] = False,
    remove_many: Annotated[
        bool, typer.Option("--remove-many", help="Even if most clients or devices go.")
    ] = False,
    settings: Annotated[
        Literal["file", "enabled"] | None,
        typer.Option(help="Whose rule settings hold where some were enabled on /rules since."),
    ] = None,
) -> None:
    """Load or update register, plans, ladders and rule settings. A bad file changes nothing.

    Settings enabled on /rules stay while the file's own do not change; the difference is printed.
    """
    wanted = read_town(town)
    for warning in wanted.warnings[:SHOWN]:
        typer.echo(f"warning: {town}, {warning}", err=True)
    if len(wanted.warnings) > SHOWN:
        typer.echo(f"warning: {len(wanted.warnings) - SHOWN} more like these", err=True)
    if check:
        typer.echo(f"{town}: no faults")
        return
    with connected() as conn:
        loaded = load_town(conn, wanted, remove_many=remove_many, settings=settings)
        if loaded.kept:
            typer.echo("warning: " + "\n".join(kept_text(conn, loaded.kept)), err=True)
    typer.echo("\n".join(loaded.summary) or "nothing changed")
