"""`carewatch migrate`: bring the schema up."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("migrate")(migrate)


def migrate() -> None:
    """Bring the schema up, with TimescaleDB's features where the server offers them."""
    import psycopg

    from deploy import migrate as schema
    from deploy.settings import load_settings
    from devices.errors import CarewatchError

    try:
        with psycopg.connect(load_settings().database(), application_name="carewatch") as conn:
            done = schema.migrate(conn)
    except psycopg.OperationalError:
        raise CarewatchError(
            "the database does not answer: check CAREWATCH_DATABASE_URL, or run `carewatch doctor`"
        ) from None
    typer.echo("\n".join(done) or "nothing to do: the schema is up")
