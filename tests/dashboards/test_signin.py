"""Secrets, sessions and what becomes of them."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from core.errors import CarewatchError
from dashboards.auth.sessions import (
    SESSION,
    begin_session,
    end_session,
    hashed,
    matches,
    nobody_signs_in,
    person_of,
    remove_sign_in,
    set_sign_in,
    sign_ins,
)
from dashboards.auth.tokens import wall_scope, wall_token

NOW = datetime.now(UTC)


def test_a_secret_is_kept_as_a_slow_hash_of_its_own() -> None:
    kept = hashed("correct horse")
    assert matches("correct horse", kept)
    assert not matches("battery staple", kept)
    assert kept != hashed("correct horse")
    assert "correct" not in kept


def test_a_wall_token_holds_its_scope_and_no_other_key_makes_one() -> None:
    token = wall_token("key")
    assert wall_scope("key", token) is not None
    assert wall_scope("other key", token) is None
    assert wall_scope("key", "nonsense") is None
    assert wall_scope("key", token[:-1]) is None


@pytest.mark.edge
def test_a_session_ends(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        assert nobody_signs_in(conn)
        set_sign_in(conn, name="zhao", person="u-1", secret="long enough")
        begun = begin_session(conn, "zhao", "long enough", NOW)
        assert begun is not None
        cookie, person = begun
        assert person == person_of(conn, cookie, NOW) == "u-1"
        assert person_of(conn, cookie, NOW + SESSION + timedelta(seconds=1)) is None
        end_session(conn, cookie)
        assert person_of(conn, cookie, NOW) is None


@pytest.mark.edge
def test_another_secret_or_none_ends_the_sessions_before(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        set_sign_in(conn, name="zhao", person="u-1", secret="long enough")
        begun = begin_session(conn, "zhao", "long enough", NOW)
        assert begun is not None
        set_sign_in(conn, name="zhao", person="u-1", secret="another one")
        assert person_of(conn, begun[0], NOW) is None
        assert begin_session(conn, "zhao", "long enough", NOW) is None
        assert begin_session(conn, "nobody", "long enough", NOW) is None
        assert sign_ins(conn) == [("zhao", "u-1")]
        remove_sign_in(conn, "zhao")
        with pytest.raises(CarewatchError, match="there is none"):
            remove_sign_in(conn, "zhao")
        with pytest.raises(CarewatchError, match="8 characters"):
            set_sign_in(conn, name="zhao", person="u-1", secret="short")
