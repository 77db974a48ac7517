"""Where a person's secret is checked: slowly on purpose, so a few at a time and beside the pages.

Checking one costs some 25 ms and 19 MiB. Whoever sends many waits for their own: at most two of
one place are on their way, browsers that are known have a turn of their own, and beyond
`LONGEST_QUEUE` a try is refused at once. No try takes a thread or a connection from a page.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import anyio
import anyio.to_thread
import msgspec
from fastapi import Request
from fastapi.responses import Response

from dashboards.auth import known_browsers
from dashboards.auth.sessions import begin_session
from dashboards.auth.throttle import Throttle
from dashboards.site import Site

AT_ONCE = 1  # checks of known browsers, and of all others: 40 a second each
LONGEST_QUEUE = 40  # tries: a second of waiting
A_PLACE = 2  # tries of one place at once

Session = tuple[str, str]  # cookie and person
Check = Callable[[str, str, datetime], Session | None]  # of a name and a secret; may take long


class Refusal(StrEnum):
    """Why no session began."""

    WRONG = "wrong"
    THROTTLED = "throttled"
    BUSY = "busy"

    @property
    def status(self) -> int:
        """Return the HTTP status that says so."""
        return {"wrong": 401, "throttled": 429, "busy": 503}[self.value]


class SignedIn(msgspec.Struct, frozen=True):
    """A session that has begun."""

    cookie: str
    person: str
    known: str  # the cookie by which this browser is known from now on


class SignInDesk:
    """Lets people in who know their secret. To be called on the event loop."""

    def __init__(self, check: Check, key: str, throttle: Throttle | None = None) -> None:
        """`check` begins a session; `key` signs the cookies of known browsers."""
        self._check = check
        self._key = key
        self._throttle = throttle or Throttle()
        self._turns = {known: anyio.CapacityLimiter(AT_ONCE) for known in (True, False)}
        self._trying: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}

    async def sign_in(
        self, name: str, secret: str, *, network: str, known: str | None, now: datetime
    ) -> SignedIn | Refusal:
        """Begin a session. `known`: the cookie of a known browser, if it sent one.

        Raises what `check` raises.
        """
        browser = known_browsers.read(self._key, known)
        trusted = browser is not None and browser.knows(name)
        place = f"browser {browser.id}" if browser and trusted else network
        if not self._throttle.allows(name, place):
            return Refusal.THROTTLED
        trying = self._trying[trusted]
        if trying[place] >= A_PLACE or trying.total() >= LONGEST_QUEUE:
            return Refusal.BUSY
        trying[place] += 1
        try:
            begun = await anyio.to_thread.run_sync(
                self._check, name, secret, now, limiter=self._turns[trusted]
            )
        finally:
            trying[place] -= 1
            trying += Counter()  # drops places where nobody tries
        if begun is None:
            self._throttle.failed(name, place)
            return Refusal.WRONG
        return SignedIn(*begun, known_browsers.written(self._key, browser, name))


def sign_in_desk(site: Site) -> SignInDesk:
    """Return the desk of a service, which begins sessions in its database."""

    def check(name: str, secret: str, now: datetime) -> Session | None:
        with site.pool.connection() as conn:
            return begin_session(conn, name, secret, now)

    return SignInDesk(check, site.settings.secret)


def sign_in_desk_of(request: Request) -> SignInDesk:
    """Return the desk of the service that serves a request."""
    desk: SignInDesk = request.app.state.sign_in_desk
    return desk


def remember(answer: Response, begun: SignedIn, site: Site) -> None:
    """Let the browser show from now on that somebody has signed in from it."""
    answer.set_cookie(
        known_browsers.COOKIE,
        begun.known,
        max_age=int(known_browsers.KEPT.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=site.settings.secure,
    )
