"""Signed tokens for what nobody signs in on: a wall in a control room, a provider's callbacks."""

import hmac

from itsdangerous import BadSignature, URLSafeSerializer

from dashboards.scope import WHOLE, Scope
from dashboards.settings import Lang

REPLIES = b"carewatch replies v1"
SALT = "carewatch wall v1"  # the key signs other things too; they never fit here


def wall_token(secret: str, scope: Scope = WHOLE) -> str:
    """Return a token that opens `/wall` and its stream, and nothing else.

    It has no end: it ends with the signing key, so that no wall goes dark by itself.
    """
    return str(URLSafeSerializer(secret, salt=SALT).dumps([list(scope.areas), scope.agency]))


def wall_scope(secret: str, token: str) -> Scope | None:
    """Return what a wall's token shows; None for a token that is not ours."""
    try:
        areas, agency = URLSafeSerializer(secret, salt=SALT).loads(token)
        return Scope(tuple(areas), agency)
    except (BadSignature, ValueError, TypeError):
        return None


def wall_address(
    public_url: str, secret: str, *, lang: Lang | None = None, scope: Scope = WHOLE
) -> str:
    """Return the link a wall is started with."""
    token = wall_token(secret, scope)
    return f"{public_url}/wall?token={token}" + (f"&lang={lang}" if lang else "")


def reply_key(secret: str) -> str:
    """Return what ends the addresses that providers call back: only they and we know it."""
    return hmac.digest(secret.encode(), REPLIES, "sha256")[:16].hex()


def is_reply_key(secret: str, key: str) -> bool:
    """Return True if a callback came to an address of ours."""
    return hmac.compare_digest(reply_key(secret).encode(), key.encode())
