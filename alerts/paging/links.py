"""Signed links: one person, one alert, an end. No sign-in is needed to answer by one.

A token is `<payload>.<signature>`, both base64url without padding, made by itsdangerous as those
of the walls are. The payload names the alert, the person and the end (Unix seconds); the
signature is an HMAC of 160 bits under a key made of CAREWATCH_SECRET_KEY for links alone, so that
guessing is hopeless and the link still fits an SMS. The end is part of the payload and the moment
an argument: itsdangerous' own timed tokens read the machine's clock.
"""

import hmac
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec
from itsdangerous import BadData, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_decode
from itsdangerous.signer import SigningAlgorithm

from core.signing import keys_of

VALID_FOR = timedelta(hours=72)  # as long as a visit can still be corrected (rule visit_missed)
SALT = "carewatch link v2"  # the key signs other things too; they never fit here


class LinkClaim(msgspec.Struct, frozen=True, array_like=True):
    """What a genuine link says."""

    alert: str
    person: str
    ends: int  # Unix seconds

    @property
    def ends_at(self) -> datetime:
        """Return when the link ends, in UTC."""
        return datetime.fromtimestamp(self.ends, UTC)


class Refusal(StrEnum):
    """Why a link does not serve; pages say what to do about each."""

    INVALID = "invalid"  # guessed, cut off in an SMS, or changed
    EXPIRED = "expired"  # its end has passed
    OTHER_PERSON = "other_person"  # it was sent to somebody else than the one signed in
    GONE = "gone"  # its person is no longer in the town
    UNKNOWN_ALERT = "unknown_alert"  # genuine, but there is no such alert (any more)
    RESOLVED = "resolved"  # the alert is closed: nothing is left to answer


def sign(secret: str, *, alert: str, person: str, ends_at: datetime) -> str:
    """The token for one person and one alert, good until `ends_at`."""
    return str(_serializer(secret).dumps([alert, person, int(ends_at.timestamp())]))


def verify(
    secret: str, token: str, *, now: datetime, visitor: str | None = None
) -> LinkClaim | Refusal:
    """Return what the token says, or why it does not serve.

    `visitor` is the person signed in on this browser, if any: somebody else's link is refused.
    """
    try:
        claim = msgspec.convert(_serializer(secret).loads(token), LinkClaim)
    except (BadData, ValueError):
        return Refusal.INVALID
    if now >= claim.ends_at:
        return Refusal.EXPIRED
    if visitor is not None and visitor != claim.person:
        return Refusal.OTHER_PERSON
    return claim


def address(public_url: str, token: str) -> str:
    """Return where the link of this token is shown (GET) and answered (POST)."""
    return f"{public_url.rstrip('/')}/a/{token}"


def keypad_address(public_url: str, token: str) -> str:
    """Return where a voice provider reports the key that was pressed on the phone."""
    return f"{address(public_url, token)}/keypad"


class SentBefore(SigningAlgorithm):
    """How links were signed before itsdangerous did it: none is sent any more, and the last ends
    `VALID_FOR` after the upgrade."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Return the first 128 bits of the HMAC-SHA256 over the purpose and the payload."""
        return hmac.digest(key, b"carewatch link v1:" + base64_decode(value), "sha256")[:16]


def _serializer(secret: str) -> URLSafeSerializer:
    before = {"key_derivation": "none", "algorithm": SentBefore()}
    return URLSafeSerializer(keys_of(secret), salt=SALT, fallback_signers=[(Signer, before)])
