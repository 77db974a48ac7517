"""Who is asking, what their role lets them do, and which part of the town they see."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
import psycopg
from fastapi import Depends, Request

from alerts import history
from alerts.types import Role, Staff
from core.addresses import came_by_proxy
from dashboards.auth.sessions import nobody_signs_in, person_of
from dashboards.scope import WHOLE, Scope, scope_of
from dashboards.settings import Lang
from dashboards.site import Site, site_of
from dashboards.texts import Words
from devices.directory import Directory

COOKIE = "carewatch_session"
LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost", "testclient"))
Right = Literal[
    "look", "act", "mute", "reveal", "vendor", "export", "try", "tune", "register", "replay"
]
EVERYBODY: frozenset[Role] = frozenset(("viewer", "operator", "on_call", "manager", "admin"))
RIGHTS: dict[Right, frozenset[Role]] = {
    "look": EVERYBODY,
    "act": EVERYBODY - {"viewer"},
    "reveal": EVERYBODY - {"viewer"},
    "mute": frozenset(("operator", "manager", "admin")),
    "export": frozenset(("operator", "manager", "admin")),
    "try": frozenset(("operator", "manager", "admin")),
    "tune": frozenset(("manager", "admin")),
    "register": frozenset(("manager", "admin")),
    "replay": frozenset(("manager", "admin")),
    "vendor": frozenset(("vendor", "operator", "manager", "admin")),
}


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever is asking."""

    person: str  # staff id; "" = somebody looking at a demo
    name: str = ""
    role: Role = "viewer"
    scope: Scope = WHOLE

    def may(self, right: Right) -> bool:
        """Return True if the role has a right."""
        return self.role in RIGHTS[right]


ANYBODY = Visitor(person="", name="demo")
LOCAL = Visitor(person="local", name="local", role="admin")


class NotSignedIn(Exception):
    """A page for people who have signed in."""


class NotAllowed(Exception):
    """The role does not have this right."""

    def __init__(self, who: Visitor) -> None:
        super().__init__(who.role)
        self.who = who


def visitor(request: Request, site: Annotated[Site, Depends(site_of)]) -> Visitor | None:
    """Return who asks: by session cookie or bearer token; in a demo anybody, to look.

    On a fresh installation, where nobody has a sign-in yet, whoever sits at the machine itself
    is let in as admin, so that the first sign-in can be made and the town looked at.
    """
    cookie = request.cookies.get(COOKIE) or _bearer(request)
    with site.pool.connection() as conn:
        if cookie:
            person = person_of(conn, cookie, datetime.now(UTC))
            if person is not None:
                board = site.stream.board
                return _known(conn, person, board.directory if board else None)
        if site.settings.demo:
            return ANYBODY
        at_home = is_local(request, site.settings.public_url)
        return LOCAL if at_home and nobody_signs_in(conn) else None


def having(right: Right) -> Callable[..., Visitor]:
    """Return a dependency that gives the visitor, who must have the right.

    Raises NotSignedIn or NotAllowed.
    """

    def check(found: Annotated[Visitor | None, Depends(visitor)]) -> Visitor:
        if found is None:
            raise NotSignedIn
        if not found.may(right):
            raise NotSignedIn if found is ANYBODY else NotAllowed(found)
        return found

    return check


def words_of(request: Request, site: Annotated[Site, Depends(site_of)]) -> Words:
    """Return the visitor's language: `?lang=`, else what they chose before, else the town's."""
    for wish in (request.query_params.get("lang"), request.cookies.get("lang")):
        lang = _lang(wish)
        if lang:
            return Words(lang)
    return Words(site.settings.lang)


def _known(conn: psycopg.Connection, person: str, directory: Directory | None) -> Visitor | None:
    """Return the person as the town file has them now: one taken out of it is let in no more."""
    staff: Staff | None = next((one for one in history.people(conn) if one.id == person), None)
    if staff is None:
        return None
    return Visitor(
        person=staff.id,
        name=staff.name or staff.id,
        role=staff.role,
        scope=scope_of(staff, directory),
    )


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else None


def is_local(request: Request, public_url: str) -> bool:
    """Return True if the request comes from this very machine and through nobody's proxy.

    A proxy may hide that it is one; a service whose public address is elsewhere has one.
    """
    if (urlsplit(public_url).hostname or "") not in LOOPBACK:
        return False
    client = request.client.host if request.client else ""
    return (
        not came_by_proxy(request.headers)
        and client in LOOPBACK
        and (request.url.hostname or "") in LOOPBACK
    )


def _lang(wish: str | None) -> Lang | None:
    return "zh" if wish == "zh" else "en" if wish == "en" else None
