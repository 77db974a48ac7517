"""A connection to the database for one command: the one that is set, or a running `up` has.

No command but `up` brings a database of its own: what it wrote there, nobody would ever read.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from core.database import connect
from core.errors import CarewatchError
from deploy.settings import load_settings
from deploy.stack import running


class Place(msgspec.Struct, frozen=True):
    """Where a command's database is, and who says so. Never logged: `url` may hold a password."""

    url: str
    source: str

    def __str__(self) -> str:
        """Return its host and name, without user and password, and who says so."""
        named = conninfo_to_dict(self.url)
        port = f":{named['port']}" if named.get("port") else ""
        host = f"{named.get('host') or 'this machine'}{port}"
        return f"{named.get('dbname') or 'the default one'} at {host} ({self.source})"


def place() -> Place:
    """Return the database that is set, else the one of a running `carewatch up`.

    Raises CarewatchError where there is neither.
    """
    settings = load_settings()
    if settings.database_url is not None:
        return Place(settings.database_url.get_secret_value(), "CAREWATCH_DATABASE_URL")
    here = settings.data_dir.resolve()
    kept = running.database()
    if not kept:
        raise CarewatchError(
            "no database: set CAREWATCH_DATABASE_URL (postgresql://user@host/name), or start "
            f"`carewatch up` first; none runs on {here}"
        )
    return Place(kept, f"of `carewatch up` on {here}")


@contextmanager
def connected(*, bare: bool = False) -> Iterator[psycopg.Connection]:
    """Connect to the command's database, and name it on stderr.

    Raises CarewatchError where there is none, it does not answer, or it has no schema (`bare`: it
    may have none yet).
    """
    known = place()
    try:
        conn = connect(known.url, "carewatch", autocommit=False)
    except psycopg.OperationalError:
        raise CarewatchError(
            f"the database does not answer: {known}; is it running, and is the address right? "
            "`carewatch doctor` says more"
        ) from None
    with conn:
        if not bare and conn.execute("SELECT to_regclass('device')").fetchone() == (None,):
            raise CarewatchError(f"no schema yet in {known}: run `carewatch migrate` first")
        print(f"database: {known}", file=sys.stderr)
        yield conn
