"""`carewatch migrate`: bring the schema up."""

import typer

from deploy import migrate as schema
from deploy.database import connected


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("migrate")(migrate)


def migrate() -> None:
    """Bring the schema up, with TimescaleDB's features where the server offers them."""
    with connected(bare=True) as conn:
        done = schema.migrate(conn)
    typer.echo("\n".join(done) or "nothing to do: the schema is up")
