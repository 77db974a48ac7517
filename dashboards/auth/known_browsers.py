"""Browsers that somebody has signed in from before, so that guesses made beside them, in the same
network, do not lock the right person out (OWASP's "device cookies"). Pure.

A known browser is throttled by itself instead of with its network. Its cookie opens nothing: who
steals it may try ten secrets in five minutes, as from a network of their own.
"""

import hashlib
import secrets
from datetime import timedelta

import msgspec
from itsdangerous import BadData, URLSafeTimedSerializer

from core.signing import keys_of

COOKIE = "carewatch_known"
KEPT = timedelta(days=180)
NAMES = 30  # who sign in at one computer of a duty room, the last ones
SALT = "carewatch known browser v1"  # the key signs other things too; they never fit here


class KnownBrowser(msgspec.Struct, frozen=True, array_like=True):
    """A browser, and who has signed in from it."""

    id: str
    names: tuple[str, ...]  # digests: a cookie shows nobody's name

    def knows(self, name: str) -> bool:
        """Return True if somebody has signed in here under this name."""
        return _digest(name) in self.names


def read(key: str, cookie: str | None) -> KnownBrowser | None:
    """Return the browser that a cookie names; None without a genuine and fresh one."""
    if not cookie:
        return None
    try:
        value = _signer(key).loads(cookie, max_age=int(KEPT.total_seconds()))
        return msgspec.convert(value, KnownBrowser)
    except (BadData, msgspec.ValidationError):
        return None


def written(key: str, browser: KnownBrowser | None, name: str) -> str:
    """Return the cookie of this browser (None: of a new one) after a sign-in under `name`."""
    mine = _digest(name)
    others = tuple(each for each in (browser.names if browser else ()) if each != mine)
    known = KnownBrowser(browser.id if browser else secrets.token_urlsafe(9), (mine, *others))
    return str(_signer(key).dumps([known.id, list(known.names[:NAMES])]))


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()[:16]


def _signer(key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(keys_of(key), salt=SALT)
