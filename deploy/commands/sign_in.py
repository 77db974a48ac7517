"""`carewatch sign-in`: who may sign in, and the address of a wall that nobody signs in on."""

from typing import Annotated

import typer

from alerts.history import people
from core.errors import CarewatchError
from core.keys_in_use import keys_in_use
from core.signing import fingerprint
from dashboards.auth.sessions import remove_sign_in, set_sign_in, sign_ins
from dashboards.auth.tokens import reply_key, wall_address
from dashboards.scope import Scope
from deploy.database import connected
from deploy.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    signs = typer.Typer(no_args_is_help=True, help="Who may sign in at the desk and the API.")
    signs.command("add")(add)
    signs.command("list")(show)
    signs.command("remove")(remove)
    signs.command("wall")(wall)
    signs.command("replies")(replies)
    app.add_typer(signs, name="sign-in")


def add(
    person: Annotated[str, typer.Argument(help="The person's id in the town file.")],
    name: Annotated[str, typer.Option(help="What is typed; the person's id if not given.")] = "",
    secret: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
) -> None:
    """Let a person sign in, or give them another secret."""
    with connected() as conn:
        known = {staff.id: staff for staff in people(conn)}
        if person not in known:
            raise CarewatchError(
                f"sign-in: there is no person {person!r}; the town file's `people` has "
                + (", ".join(sorted(known)) or "nobody yet")
            )
        set_sign_in(conn, name=name or person, person=person, secret=secret)
    typer.echo(f"{name or person} may sign in as {known[person].role}")


def show() -> None:
    """List every sign-in and whose it is."""
    with connected() as conn:
        for name, person in sign_ins(conn):
            typer.echo(f"{name}\t{person}")


def remove(name: Annotated[str, typer.Argument(help="What is typed at sign-in.")]) -> None:
    """Take a sign-in away; whoever is signed in with it is signed out."""
    with connected() as conn:
        remove_sign_in(conn, name)
    typer.echo(f"{name} may no longer sign in")


def wall(
    area: Annotated[list[str] | None, typer.Option(help="Only this area; may be repeated.")] = None,
    agency: Annotated[str | None, typer.Option(help="Only this agency.")] = None,
) -> None:
    """Print the address that opens a wall without signing in."""
    settings = load_settings()
    scope = Scope(tuple(area or ()), agency)
    typer.echo(wall_address(settings.base_url, _services_secret(settings), scope=scope))


def replies() -> None:
    """Print the addresses at which SMS replies and receipts of providers are taken in."""
    settings = load_settings()
    key = reply_key(_services_secret(settings))
    for what in ("sms", "receipt"):
        typer.echo(f"{settings.base_url}/reply/{what}/{key}")


def _services_secret(settings: Settings) -> str:
    """Return the secret that the services sign with.

    Raises CarewatchError where ours is another: what it signs would open nothing.
    """
    secret = settings.secret(make=False)
    with connected() as conn:
        theirs = {each.fingerprint for each in keys_in_use(conn)}
    if theirs and fingerprint(secret) not in theirs:
        raise CarewatchError(
            f"our secret key ({fingerprint(secret)}) is not the services' "
            f"({', '.join(sorted(theirs))}): run this as their user, with their settings"
        )
    return secret
