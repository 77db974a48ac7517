"""How the secrets of people who sign in are kept: argon2id, by pwdlib. Nothing here is stored."""

import hashlib
import hmac
import secrets
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.base import HasherProtocol, ensure_bytes, ensure_str

# OWASP's Password Storage Cheat Sheet asks for no less than this. Not the library's 64 MiB: who
# has not signed in can make us spend it.
MEMORY, PASSES, LANES = 19_456, 2, 1  # KiB, and argon2's t and p


class Scrypt(HasherProtocol):
    """Hashes kept before argon2 was used, `scrypt$N$p$salt$digest` with r = 8: only verified."""

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:
        """Return True for a hash of this kind."""
        return ensure_str(hash).startswith("scrypt$")

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Raise NotImplementedError: no new hash is made in this way."""
        raise NotImplementedError

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        """Return True if the hash was made of this password."""
        _, cost, lanes, salt, digest = ensure_str(hash).split("$")
        found = hashlib.scrypt(
            ensure_bytes(password),
            salt=bytes.fromhex(salt),
            n=int(cost),
            r=8,
            p=int(lanes),
            maxmem=2 * 128 * 8 * int(cost),
            dklen=32,
        )
        return hmac.compare_digest(found.hex(), digest)

    def check_needs_rehash(self, hash: str | bytes) -> bool:
        """Return True: each of them is to be renewed."""
        return True


HASHERS = PasswordHash((Argon2Hasher(PASSES, MEMORY, LANES), Scrypt()))


def hashed(secret: str) -> str:
    """Return the secret as it is kept: a slow hash with a salt of its own and its cost."""
    return HASHERS.hash(secret)


def verified(secret: str, kept: str | None) -> tuple[bool, str | None]:
    """Return whether this is the secret that was kept, and what to keep from now on where `kept`
    is of an older kind or cost. With None for `kept` the answer is no, and takes as long."""
    valid, renewed = HASHERS.verify_and_update(secret, kept or _nobodys())
    return (valid, renewed) if kept else (False, None)


@cache
def _nobodys() -> str:
    return hashed(secrets.token_urlsafe())
