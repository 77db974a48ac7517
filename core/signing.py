"""The secret key that signs links, walls' tokens and cookies; older ones beside it still serve.

A secret is one key a line, the one that signs first. Pure.
"""

import hashlib


def keys_of(secret: str) -> list[str]:
    """Return the keys as itsdangerous takes them: the one that signs last."""
    return secret.splitlines()[::-1] or [""]


def signing_key(secret: str) -> str:
    """Return the key that signs what is made now."""
    return keys_of(secret)[-1]


def fingerprint(secret: str) -> str:
    """Return 8 letters that tell one signing key from another, and not what it is."""
    named = b"carewatch key fingerprint v1:" + signing_key(secret).encode()
    return hashlib.sha256(named).hexdigest()[:8]
