"""Signed links: one person, one alert, an end. No sign-in is needed to answer by one.

A token is `<payload>.<signature>`, both base64url without padding. The payload names the alert,
the person and the end (Unix seconds); the signature is the first 128 bits of its HMAC-SHA256
under CAREWATCH_SECRET_KEY, so that guessing is hopeless and the link still fits an SMS.
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

VALID_FOR = timedelta(hours=72)  # as long as a visit can still be corrected (rule visit_missed)
SIGNATURE_BYTES = 16  # 128 bits
PURPOSE = b"carewatch link v1:"  # the key may sign other things too; they never fit here


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What a genuine link says."""

    alert: str
    person: str
    ends: int  # Unix seconds

    @property
    def ends_at(self) -> datetime:
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
    payload = msgspec.json.encode(Claim(alert, person, int(ends_at.timestamp())))
    return f"{_text(payload)}.{_text(_signature(secret, payload))}"


def verify(
    secret: str, token: str, *, now: datetime, visitor: str | None = None
) -> Claim | Refusal:
    """What the token says, or why it does not serve.

    `visitor` is the person signed in on this browser, if any: somebody else's link is refused.
    """
    payload, given = _parts(token)
    if not hmac.compare_digest(given, _signature(secret, payload)):
        return Refusal.INVALID
    claim = msgspec.json.decode(payload, type=Claim)
    if now >= claim.ends_at:
        return Refusal.EXPIRED
    if visitor is not None and visitor != claim.person:
        return Refusal.OTHER_PERSON
    return claim


def address(public_url: str, token: str) -> str:
    """Where the link of this token is shown (GET) and answered (POST)."""
    return f"{public_url.rstrip('/')}/a/{token}"


def keypad_address(public_url: str, token: str) -> str:
    """Where a voice provider reports the key that was pressed on the phone."""
    return f"{address(public_url, token)}/keypad"


def _signature(secret: str, payload: bytes) -> bytes:
    return hmac.digest(secret.encode(), PURPOSE + payload, "sha256")[:SIGNATURE_BYTES]


def _parts(token: str) -> tuple[bytes, bytes]:
    payload, _, given = token.partition(".")
    try:
        return _bytes(payload), _bytes(given)
    except (binascii.Error, ValueError):
        return b"", b""


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
