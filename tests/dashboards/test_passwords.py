"""How secrets are kept, and how older kinds of hash are renewed."""

import pytest
from passwords_of_before import OLD
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from dashboards.auth.passwords import hashed, verified


def test_a_secret_is_kept_as_a_slow_hash_of_its_own() -> None:
    kept = hashed("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert kept != hashed("correct horse")
    assert "correct" not in kept
    assert verified("correct horse", kept) == (True, None)
    assert verified("battery staple", kept) == (False, None)


@pytest.mark.parametrize(
    "older",
    [OLD, PasswordHash((Argon2Hasher(1, 8_192, 1),)).hash("correct horse")],
    ids=["scrypt", "cheaper argon2"],  # a hash is another each time
)
def test_an_older_hash_serves_and_is_renewed(older: str) -> None:
    assert verified("battery staple", older) == (False, None)
    valid, renewed = verified("correct horse", older)
    assert valid
    assert renewed is not None
    assert verified("correct horse", renewed) == (True, None)


@pytest.mark.parametrize("secret", ["", "correct horse"])
def test_nobody_has_no_secret(secret: str) -> None:
    assert verified(secret, None) == (False, None)
