"""A connection to the database for one command: where the settings, or a running `up`, say."""

import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from core.database import connect
from core.errors import CarewatchError
from deploy.migrate import migrate
from deploy.settings import Settings, load_settings
from deploy.stack import embedded, local
from deploy.stack.running import RUN_FILE


@contextmanager
def connected(*, bare: bool = False) -> Iterator[psycopg.Connection]:
    """Connect to the database of the settings, of a running `carewatch up`, or else the embedded
    one.

    The embedded one is started for as long as the block lasts. Raises CarewatchError where the
    database does not answer or has no schema (`bare`: it may have none yet).
    """
    settings = load_settings()
    with ExitStack() as stack:
        url = _known_url(settings)
        if url is None:
            stack.enter_context(local.sole_use(settings.own_dir()))
            url = stack.enter_context(embedded.embedded_postgresql(settings.data_dir)).url
            if not bare:
                with psycopg.connect(url) as conn:
                    migrate(conn)
        try:
            conn = stack.enter_context(connect(url, "carewatch", autocommit=False))
        except psycopg.OperationalError:
            raise CarewatchError(
                "the database does not answer: check CAREWATCH_DATABASE_URL, "
                "or run `carewatch doctor`"
            ) from None
        if not bare and conn.execute("SELECT to_regclass('device')").fetchone() == (None,):
            raise CarewatchError("the database has no schema yet: run `carewatch migrate` first")
        yield conn


def _known_url(settings: Settings) -> str | None:
    """Return the URL that is set, or that a running `carewatch up` wrote down."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    kept = settings.data_dir / RUN_FILE
    return tomllib.loads(kept.read_text()).get("database_url") if kept.exists() else None
