"""`carewatch conformance`: the vendor's checklist. Not in this version, and says so."""

from typing import Annotated

import typer

from devices.errors import CarewatchError


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("conformance")(conformance)


def conformance(
    device: Annotated[str, typer.Option(help="The device whose messages are looked at.")],
) -> None:
    """The vendor's checklist against live messages: comes with a later version."""
    raise CarewatchError(
        f"conformance --device {device}: the checklist comes with a later version; "
        "`carewatch decode` and the page /vendor already show what is understood of its messages"
    )
