"""Links in messages: what each says, and which are refused; those sent before still serve."""

from datetime import UTC, datetime, timedelta

import pytest
from itsdangerous import URLSafeSerializer

from alerts.paging.links import SALT, LinkClaim, Refusal, sign, verify

ALERT = "0192f3a1-7c55-7d0e-9f1b-2f4c6f0f7a11"
ENDS = datetime(2026, 11, 5, 9, tzinfo=UTC)
NOW = ENDS - timedelta(hours=1)
CLAIM = LinkClaim(ALERT, "u-1", int(ENDS.timestamp()))
TOKEN = sign("key", alert=ALERT, person="u-1", ends_at=ENDS)
# Signed under "key" by the version before itsdangerous.
SENT_BEFORE = (
    "WyIwMTkyZjNhMS03YzU1LTdkMGUtOWYxYi0yZjRjNmYwZjdhMTEiLCJ1LTEiLDE3OTM4NjkyMDBd"
    ".ZvvAtdMZ-vmdsVIiCpNInQ"
)


@pytest.mark.parametrize("token", [TOKEN, SENT_BEFORE])
def test_a_link_says_what_was_signed_until_its_end(token: str) -> None:
    assert verify("key", token, now=NOW) == CLAIM
    assert verify("key", token, now=NOW, visitor="u-1") == CLAIM
    assert verify("key", token, now=NOW, visitor="u-2") == Refusal.OTHER_PERSON
    assert verify("key", token, now=ENDS) == Refusal.EXPIRED
    assert verify("other key", token, now=NOW) == Refusal.INVALID


@pytest.mark.parametrize("token", [TOKEN, SENT_BEFORE])
def test_a_link_of_which_one_character_is_another_is_invalid(token: str) -> None:
    for at in range(len(token) - 1):  # the last one holds bits that no byte has
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert verify("key", changed, now=NOW) == Refusal.INVALID
        assert verify("key", token[:at], now=NOW) == Refusal.INVALID


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "é.ü", "\ud800.x", "x" * 5_000, "A=.A="])
def test_what_is_no_token_is_invalid(token: str) -> None:
    assert verify("key", token, now=NOW) == Refusal.INVALID


def test_a_token_for_something_else_is_no_link() -> None:
    said = [ALERT, "u-1", CLAIM.ends]
    other = str(URLSafeSerializer("key", salt="carewatch wall v1").dumps(said))
    assert verify("key", other, now=NOW) == Refusal.INVALID
    assert verify("key", str(URLSafeSerializer("key", salt=SALT).dumps(said)), now=NOW) == CLAIM


def test_a_link_fits_an_sms() -> None:
    assert len(TOKEN) <= 110
