"""One key signs; what older ones signed still serves, until they are taken away."""

from datetime import UTC, datetime, timedelta

from alerts.paging import links
from core.signing import fingerprint, keys_of, signing_key
from dashboards.auth import known_browsers, tokens
from dashboards.scope import Scope

OLD, NEW = "the old key, 40 letters and more of them", "the new key, 40 letters and more of them"
BOTH = f"{NEW}\n{OLD}"
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def test_the_first_signs() -> None:
    assert signing_key(BOTH) == NEW
    assert keys_of(BOTH) == [OLD, NEW]
    assert fingerprint(BOTH) == fingerprint(NEW) != fingerprint(OLD)
    assert len(fingerprint(OLD)) == 8


def test_what_the_old_key_signed_serves_beside_the_new_one_and_not_after_it() -> None:
    end = NOW + timedelta(hours=1)
    link = links.sign(OLD, alert="a-1", person="u-1", ends_at=end)
    wall = tokens.wall_token(OLD, Scope(("w",), None))
    reply = tokens.reply_key(OLD)
    browser = known_browsers.written(OLD, None, "he")
    assert isinstance(links.verify(BOTH, link, now=NOW), links.LinkClaim)
    assert tokens.wall_scope(BOTH, wall) == Scope(("w",), None)
    assert tokens.is_reply_key(BOTH, reply)
    assert known_browsers.read(BOTH, browser) is not None
    assert links.verify(NEW, link, now=NOW) is links.Refusal.INVALID
    assert tokens.wall_scope(NEW, wall) is None
    assert not tokens.is_reply_key(NEW, reply)
    assert known_browsers.read(NEW, browser) is None


def test_what_both_sign_is_the_new_keys() -> None:
    link = links.sign(BOTH, alert="a-1", person="u-1", ends_at=NOW + timedelta(hours=1))
    assert isinstance(links.verify(NEW, link, now=NOW), links.LinkClaim)
    assert links.verify(OLD, link, now=NOW) is links.Refusal.INVALID
    assert tokens.is_reply_key(NEW, tokens.reply_key(BOTH))
    assert tokens.wall_scope(NEW, tokens.wall_token(BOTH)) is not None
