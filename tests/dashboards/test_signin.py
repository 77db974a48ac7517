"""Secrets, sessions and what becomes of them."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from passwords_of_before import OLD

from core.errors import CarewatchError
from dashboards.auth.sessions import (
    SESSION,
    begin_session,
    end_session,
    nobody_signs_in,
    person_of,
    remove_sign_in,
    set_sign_in,
    sign_ins,
)
from dashboards.auth.tokens import wall_scope, wall_token

NOW = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)


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
def test_a_secret_kept_by_scrypt_signs_in_and_is_kept_anew(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO sign_in VALUES ('zhao', 'u-1', %s)", (OLD,))
        assert begin_session(conn, "zhao", "battery staple", NOW) is None
        assert kept(conn) == OLD
        assert begin_session(conn, "zhao", "correct horse", NOW) is not None
        renewed = kept(conn)
        assert renewed.startswith("$argon2id$")
        assert begin_session(conn, "zhao", "correct horse", NOW) is not None
        assert kept(conn) == renewed
        assert begin_session(conn, "zhao", "battery staple", NOW) is None


def kept(conn: psycopg.Connection) -> str:
    """What is stored of the only secret."""
    row = conn.execute("SELECT secret_hash FROM sign_in").fetchone()
    assert row is not None
    return str(row[0])


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
