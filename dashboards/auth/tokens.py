"""Signed tokens for what nobody signs in on: a wall in a control room, a provider's callbacks."""

import hmac

from itsdangerous import BadSignature, URLSafeSerializer

from core.signing import keys_of, signing_key
from dashboards.scope import WHOLE, Scope
from dashboards.settings import Lang

REPLIES = b"carewatch replies v1"
SALT = "carewatch wall v1"  # the key signs other things too; they never fit here


def wall_token(secret: str, scope: Scope = WHOLE) -> str:
    """Return a token that opens `/wall` and its stream, and nothing else.

    It has no end: it ends with the key that signed it, so that no wall goes dark by itself.
    """
    return str(_serializer(secret).dumps([list(scope.areas), scope.agency]))


def wall_scope(secret: str, token: str) -> Scope | None:
    """Return what a wall's token shows; None for a token that is not ours."""
    try:
        areas, agency = _serializer(secret).loads(token)
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
    return _reply_key(signing_key(secret))


def is_reply_key(secret: str, key: str) -> bool:
    """Return True if a callback came to an address of ours."""
    ours = (_reply_key(each).encode() for each in keys_of(secret))
    return any(hmac.compare_digest(each, key.encode()) for each in ours)


def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(keys_of(secret), salt=SALT)


def _reply_key(key: str) -> str:
    return hmac.digest(key.encode(), REPLIES, "sha256")[:16].hex()
